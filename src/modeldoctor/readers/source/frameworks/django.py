"""Django, Django REST framework, Channels and Ninja."""

from collections.abc import Iterator

from modeldoctor.readers.source.frameworks.base import Entry, Framework
from modeldoctor.readers.source.names import Names, Symbol
from modeldoctor.readers.source.syntax import Module

# as_view() and the DRF routers make a new view object for each request (django/views/generic/base.py, View.as_view)
_VIEW = {"__init__": "fresh request", "*": "fresh request"}
_ROUTES = ((1, "request"), ("view", "request"))
_NINJA = ("get", "post", "put", "patch", "delete", "api_operation")


def _views(module: Module, names: Names) -> Iterator[Entry]:
    """Functions that take a request: whoever calls them, and even where no URLconf is in sight, a request runs them."""
    used = {dotted.partition(".")[0] for dotted in module.body.imports.values()}
    django_here = not {"django", "rest_framework"}.isdisjoint(used)
    for scope in module.scopes.values():
        if scope.owner is not None or scope.parent is not None or not scope.parameters:
            continue
        if scope.parameters[0].name != "request" or scope.kind not in {"function", "async"}:
            continue
        answers = any(call.target in {"HttpResponse", "JsonResponse"} for call in scope.calls)
        if django_here or (answers and "flask" not in used and "fastapi" not in used):
            symbol = Symbol("function", module.path, scope.name)
            if names.scope_of(symbol) is not None:
                yield Entry("django", "request", symbol, f"view {scope.name}")


def _middleware(module: Module, names: Names) -> Iterator[Entry]:
    """Middleware has no base class: a class made with `get_response`, or a function that returns a function."""
    yield from _views(module, names)
    for definition in module.classes.values():
        creator = module.scopes.get(f"{definition.name}.__init__")
        if creator is not None and any(parameter.name == "get_response" for parameter in creator.parameters):
            for method, context in (("__init__", "startup"), ("__call__", "request"), ("process_view", "request")):
                if method in definition.methods:
                    symbol = Symbol("function", module.path, f"{definition.name}.{method}")
                    yield Entry("django", context, symbol, f"middleware {definition.name}")
    for scope in module.scopes.values():
        if scope.owner is None and scope.parameters and scope.parameters[0].name == "get_response":
            yield Entry("django", "startup", Symbol("function", module.path, scope.name), f"middleware {scope.name}")
            for inner in module.scopes.values():
                if inner.parent == scope.name and inner.kind in {"function", "async"}:
                    symbol = Symbol("function", module.path, inner.name)
                    yield Entry("django", "request", symbol, f"middleware {scope.name}")


FRAMEWORK = Framework(
    name="django",
    packages=("django", "rest_framework", "channels", "ninja", "get_response", "HttpResponse", "JsonResponse"),
    decorators={
        "rest_framework.decorators.api_view": "request",
        "rest_framework.decorators.action": "fresh request",
        "django.dispatch.receiver": "request",
        "django.dispatch.dispatcher.receiver": "request",
    }
    | {f"ninja.{owner}().{method}": "request" for owner in ("NinjaAPI", "Router") for method in _NINJA},
    bases={
        "django.views.*": _VIEW,
        "rest_framework.views.*": _VIEW,
        "rest_framework.generics.*": _VIEW,
        "rest_framework.viewsets.*": _VIEW,
        "rest_framework.mixins.*": _VIEW,
        "rest_framework.serializers.*": _VIEW,
        "rest_framework.permissions.*": _VIEW,
        "rest_framework.authentication.*": _VIEW,
        "django.forms.*": {"__init__": "fresh request", "clean": "fresh request", "save": "fresh request"},
        "django.utils.deprecation.MiddlewareMixin": {
            "__init__": "startup",
            "process_request": "request",
            "process_response": "request",
            "process_view": "request",
            "__call__": "request",
        },
        "channels.generic.*": _VIEW,
        "channels.consumer.*": _VIEW,
        "django.apps.AppConfig": {"ready": "startup"},
        "django.core.management.base.*": {"handle": "script", "__init__": "script"},
        "django.core.management.BaseCommand": {"handle": "script", "__init__": "script"},
        "django.db.models.Model": {"save": "request", "delete": "request", "clean": "request"},
        "django.contrib.admin.*": {"*": "request"},
    },
    calls={
        "django.urls.path": _ROUTES,
        "django.urls.re_path": _ROUTES,
        "django.conf.urls.url": _ROUTES,
        "django.urls.url": _ROUTES,
        "django.conf.urls.patterns": _ROUTES,
        "django.db.models.signals.post_save.connect": ((0, "request"),),
        "django.db.models.signals.pre_save.connect": ((0, "request"),),
    },
    find=_middleware,
    # django.setup() imports every app's apps and models; the URLconf is imported by the first request or check
    served=("apps.py", "models.py", "urls.py", "admin.py", "wsgi.py", "asgi.py", "settings.py", "routing.py"),
)
