"""aiohttp, Sanic, Falcon, Litestar, Bottle, Tornado, Responder, Robyn, gRPC, websockets, the standard library."""

from collections.abc import Iterator

from modeldoctor.readers.source.frameworks.base import Entry, Framework
from modeldoctor.readers.source.names import Names, Symbol
from modeldoctor.readers.source.syntax import Module

_HTTP = ("get", "post", "put", "patch", "delete", "head", "options")
_SANIC = ("sanic.Sanic()", "sanic.Blueprint()")
_ON = {f"on_{method}": "request" for method in _HTTP}
_FALCON = ("falcon.App", "falcon.API", "falcon.asgi.App")
_RESPONDERS = tuple(f"on_{method}" for method in _HTTP)
_HOOKS = ("process_request", "process_resource", "process_response")


def _objects(module: Module, names: Names) -> Iterator[Entry]:
    """Objects that are made once and whose methods answer: Falcon resources and middleware, gRPC servicers."""
    for scope in module.scopes.values():
        for call in scope.calls:
            last = call.target.rpartition(".")[2]
            if last not in {"add_route", "App", "API"}:
                continue
            target = names.external(call.target, module, scope) or ""
            routed = target.endswith(".add_route") and target.startswith("falcon.")
            wanted = _RESPONDERS if routed else _HOOKS if target in _FALCON else ()
            for text in call.arguments if wanted else ():
                made = names.resolve(text.rpartition("=")[2], module, scope)
                if made is not None and made.kind == "instance":
                    yield from _methods(made, wanted, names, "falcon")
    for definition in module.classes.values():
        if any(base.endswith("Servicer") for base in definition.bases):
            own = Symbol("class", module.path, definition.name)
            yield from _methods(own, sorted(n for n in definition.methods if n[:1].isupper()), names, "grpc")
            yield from _methods(own, ["__init__"], names, "grpc", "startup")


def _methods(
    made: Symbol, wanted: "tuple[str, ...] | list[str]", names: Names, framework: str, context: str = "request"
) -> Iterator[Entry]:
    for method in wanted:
        found = names.method(made, method)
        if found is not None:
            receiver = made._replace(kind="class")
            yield Entry(framework, context, found, f"{made.name}.{method}", receiver=receiver)


_GIVEN: dict[str, tuple[tuple[int | str, str], ...]] = {}  # tells the type of the table below

FRAMEWORK = Framework(
    name="web",
    packages=(
        "aiohttp", "sanic", "falcon", "litestar", "starlite", "bottle", "tornado", "responder", "robyn", "grpc",
        "BaseHTTPRequestHandler", "SimpleHTTPRequestHandler", "websockets", "Servicer",
    ),
    decorators={
        f"{app}.{name}": "request"
        for app in _SANIC
        for name in (*_HTTP, "route", "websocket", "middleware", "on_request", "on_response", "exception")
    }
    | {
        f"{app}.{name}": "startup"
        for app in _SANIC
        for name in ("before_server_start", "main_process_start", "after_server_start", "listener")
    }
    | {f"aiohttp.web.RouteTableDef().{name}": "request" for name in (*_HTTP, "route", "view")}
    | {f"{package}.{name}": "request" for package in ("litestar", "starlite", "bottle") for name in (*_HTTP, "route")}
    | {f"litestar.{name}": "request" for name in ("websocket", "websocket_listener")}
    | {f"litestar.handlers.{name}": "request" for name in (*_HTTP, "route", "websocket")}
    | {f"bottle.Bottle().{name}": "request" for name in (*_HTTP, "route")}
    | {f"robyn.Robyn().{name}": "request" for name in _HTTP}
    | {"responder.API().route": "request", "responder.API().on_event": "startup", "aiohttp.web.middleware": "request"},
    bases={
        "@responder.API().route": _ON,
        "tornado.web.RequestHandler": dict.fromkeys((*_HTTP, "prepare", "__init__", "initialize"), "fresh request"),
        "tornado.websocket.WebSocketHandler": dict.fromkeys(("open", "on_message", "initialize"), "fresh request"),
        "aiohttp.web.View": dict.fromkeys((*_HTTP, "__init__"), "fresh request"),
        "sanic.views.HTTPMethodView": dict.fromkeys((*_HTTP, "__init__"), "fresh request"),
        "http.server.*": {"__init__": "fresh request", "do_GET": "fresh request", "do_POST": "fresh request",
                          "do_PUT": "fresh request"},
    },
    calls=_GIVEN
    | {
        f"aiohttp.web.Application().router.add_{name}": ((1, "request"), ("handler", "request"))
        for name in (*_HTTP, "view")
    }
    | {f"aiohttp.web.{name}": ((1, "request"), ("handler", "request")) for name in (*_HTTP, "view")}
    | {
        "aiohttp.web.Application().router.add_route": ((2, "request"),),
        "aiohttp.web.route": ((2, "request"),),
        "aiohttp.web.Application().on_startup.append": ((0, "startup"),),
        "aiohttp.web.Application().cleanup_ctx.append": ((0, "startup"),),
        "responder.API().add_route": ((1, "request"),),
        "litestar.Litestar": (("on_startup", "startup"), ("lifespan", "startup"), ("before_request", "request")),
        "litestar.di.Provide": ((0, "request"), ("dependency", "request")),
        "websockets.serve": ((0, "request"),),
        "websockets.asyncio.server.serve": ((0, "request"),),
        "websockets.server.serve": ((0, "request"),),
        "bottle.route": ((1, "request"),),
    }
    | {f"{app}.add_route": ((0, "request"), ("handler", "request")) for app in _SANIC}
    | {f"{app}.register_listener": ((0, "startup"),) for app in _SANIC},
    find=_objects,
    makes=(*_FALCON, "aiohttp.web.Application", "sanic.Sanic", "litestar.Litestar", "bottle.Bottle", "responder.API",
           "tornado.web.Application", "robyn.Robyn", "grpc.server", "grpc.aio.server"),
)  # fmt: skip
