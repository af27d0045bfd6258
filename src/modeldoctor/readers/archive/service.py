"""What the server calls of a handler, in order: its construction, `initialize`, then `handle` for every request."""

import ast

from modeldoctor.facts.archive import Act, Value
from modeldoctor.readers.archive.calls import STOCK, Caller
from modeldoctor.readers.archive.code import Function
from modeldoctor.readers.archive.follow import Frame
from modeldoctor.readers.archive.values import CONTEXT, NONE, UNKNOWN


def follow(caller: Caller, module: str, service: str, function: str, data: Value) -> tuple[Act, ...]:
    """Follow the life of a handler: `service` is the class that the loader finds, else `function` its entry point."""
    _import(caller, module)
    if service:
        caller.service = service
        for phase, name, arguments in (
            ("load", "__init__", []),
            ("load", "initialize", [CONTEXT]),
            ("infer", "handle", [data, CONTEXT]),
        ):
            caller.phase = phase
            _entry(caller, service, name, arguments)
    elif function:
        for phase, given in (("load", NONE), ("infer", data)):
            caller.phase = phase
            found = caller.function(function)
            frame = caller.enter(found, [given, CONTEXT], {}, "", sure=True) if found else None
            if found and frame and phase == "infer":
                _note_returns(caller, found[1].name, frame)
    return tuple(caller.acts)


def _import(caller: Caller, module: str) -> None:
    """The body of the handler module, which runs when it is imported."""
    code = caller.codes.get(module)
    if code is not None:
        caller.block(code.tree.body, Frame(code, {}))


def _entry(caller: Caller, service: str, name: str, arguments: list[Value]) -> None:
    """A method that the server calls: the nearest one, or the server's own."""
    for dotted in [service, *caller.bases(service)]:
        found = caller.method_of(dotted, name)
        if found is not None:
            frame = caller.enter(found, arguments, {}, dotted, sure=True)
            if frame and name == "handle":
                _note_returns(caller, name, frame)
            return
        if dotted.startswith(STOCK):
            caller.acts.append(Act("stock", "", 1, caller.phase, call=name))
            if name == "handle":
                _pipeline(caller, service, arguments)
            return


def _pipeline(caller: Caller, service: str, arguments: list[Value]) -> None:
    """BaseHandler.handle: preprocess, inference, postprocess, of which a class may bring its own."""
    value = arguments[0]
    for name in ("preprocess", "inference", "postprocess"):
        for dotted in [service, *caller.bases(service)]:
            found = caller.method_of(dotted, name)
            if found is not None:
                frame = caller.enter(found, [value], {}, dotted, sure=True)
                if frame:
                    _note_returns(caller, name, frame)
                value = frame.result() if frame else UNKNOWN
                break
            if dotted.startswith(STOCK):
                caller.acts.append(Act("stock", "", 1, "infer", call=name, value=value))
                value = UNKNOWN
                break


def _note_returns(caller: Caller, name: str, frame: Frame) -> None:
    """What the function hands back, each way."""
    member = frame.code.module.member
    for value, line, sure in frame.returned:
        caller.acts.append(Act("return", member, line, "infer", name, value, sure=sure))
    if not frame.left:
        line = next(
            (each.lineno for each in ast.walk(frame.code.tree) if isinstance(each, Function) and each.name == name), 1
        )
        caller.acts.append(Act("return", member, line, "infer", name, NONE, sure=frame.sure))
