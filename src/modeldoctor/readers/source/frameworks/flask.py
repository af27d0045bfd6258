"""Flask, its blueprints and class-based views, Flask-RESTful and Flask-RESTX, Quart (the same surface)."""

from modeldoctor.readers.source.frameworks.base import Framework

_HTTP = ("get", "post", "put", "patch", "delete", "head", "options")
_APPS = ("flask.Flask()", "flask.Blueprint()", "quart.Quart()", "quart.Blueprint()", "flask_openapi3.OpenAPI()",
         "apiflask.APIFlask()", "apiflask.APIBlueprint()", "flask_smorest.Blueprint()")  # fmt: skip
_PER_REQUEST = ("route", *_HTTP, "before_request", "after_request", "teardown_request", "teardown_appcontext",
                "errorhandler", "app_errorhandler", "before_app_request", "after_app_request", "context_processor",
                "before_first_request", "endpoint", "websocket", "template_filter")  # fmt: skip
_SOCKETS = ("flask_socketio.SocketIO()", "socketio.Server()", "socketio.AsyncServer()")
_VIEW = dict.fromkeys((*_HTTP, "dispatch_request", "__init__"), "fresh request")

FRAMEWORK = Framework(
    name="flask",
    packages=(
        "flask",
        "quart",
        "flask_restful",
        "flask_restx",
        "flask_openapi3",
        "flask_socketio",
        "socketio",
        "flask_smorest",
        "apiflask",
    ),
    decorators={f"{app}.{name}": "request" for app in _APPS for name in _PER_REQUEST}
    | {f"{app}.{name}": "startup" for app in _APPS for name in ("before_serving", "while_serving")}
    | {f"{app}.cli.command": "script" for app in _APPS}
    | {f"{server}.{name}": "request" for server in _SOCKETS for name in ("on", "event")},
    bases={
        # a new object for each request unless init_every_request is False (flask/views.py, View.as_view)
        "flask.views.MethodView": _VIEW,
        "flask.views.View": _VIEW,
        "quart.views.MethodView": _VIEW,
        "flask_restful.Resource": _VIEW,
        "flask_restx.Resource": _VIEW,
    },
    calls={f"{app}.add_url_rule": ((2, "request"), ("view_func", "request")) for app in _APPS}
    | {f"{app}.before_request": ((0, "request"),) for app in _APPS},
    makes=("flask.Flask", "quart.Quart", "flask_openapi3.OpenAPI", "apiflask.APIFlask"),
)
