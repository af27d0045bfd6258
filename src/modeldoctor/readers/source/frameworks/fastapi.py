"""FastAPI and Starlette."""

from modeldoctor.readers.source.frameworks.base import Framework

_APPS = (
    "fastapi.FastAPI()",
    "fastapi.APIRouter()",
    "starlette.applications.Starlette()",
    "fastapi.routing.APIRouter()",
)
_ROUTES = ("get", "post", "put", "patch", "delete", "head", "options", "trace", "api_route", "route", "websocket",
           "websocket_route", "middleware", "exception_handler")  # fmt: skip

FRAMEWORK = Framework(
    name="fastapi",
    packages=("fastapi", "starlette"),
    decorators={f"{app}.{name}": "request" for app in _APPS for name in _ROUTES}
    | {f"{app}.on_event": "startup" for app in _APPS},
    bases={
        "starlette.middleware.base.BaseHTTPMiddleware": {"dispatch": "request", "__init__": "startup"},
        "starlette.endpoints.HTTPEndpoint": dict.fromkeys(
            ("get", "post", "put", "delete", "__init__"), "fresh request"
        ),
        "starlette.endpoints.WebSocketEndpoint": dict.fromkeys(
            ("on_connect", "on_receive", "on_disconnect", "__init__"), "fresh request"
        ),
    },
    calls={
        "fastapi.FastAPI": (("lifespan", "startup"), ("on_startup", "startup"), ("dependencies", "request")),
        "starlette.applications.Starlette": (("lifespan", "startup"), ("on_startup", "startup")),
        "starlette.routing.Route": ((1, "request"), ("endpoint", "request")),
        "starlette.routing.WebSocketRoute": ((1, "request"), ("endpoint", "request")),
        "fastapi.Depends": ((0, "request"), ("dependency", "request")),
        "fastapi.Security": ((0, "request"), ("dependency", "request")),
        "fastapi.BackgroundTasks().add_task": ((0, "background"),),
        "starlette.background.BackgroundTask": ((0, "background"),),
    }
    | {f"{app}.add_api_route": ((1, "request"), ("endpoint", "request")) for app in _APPS}
    | {
        f"{app}.{name}": ((1, "request"), ("endpoint", "request"))
        for app in _APPS
        for name in ("add_route", "add_websocket_route")
    }
    | {f"{app}.add_event_handler": ((1, "startup"),) for app in _APPS}
    | {"fastapi.APIRouter": (("lifespan", "startup"), ("on_startup", "startup"))},
    makes=("fastapi.FastAPI", "starlette.applications.Starlette"),
)
