"""What the server calls of a handler, in order: its construction, `initialize`, then `handle` for every request."""

import ast

from modeldoctor.facts.archive import Act, Value
from modeldoctor.readers.archive.code import Function
from modeldoctor.readers.archive.evaluate import STOCK, Evaluator
from modeldoctor.readers.archive.follow import Frame
from modeldoctor.readers.archive.values import CONTEXT, NONE, UNKNOWN


def follow(evaluator: Evaluator, service: str, function: str, data: Value) -> tuple[Act, ...]:
    """Follow the life of a handler: `service` is the class that the loader finds, else `function` its entry point."""
    if service:
        evaluator.service = service
        for phase, name, arguments in (
            ("load", "__init__", []),
            ("load", "initialize", [CONTEXT]),
            ("infer", "handle", [data, CONTEXT]),
        ):
            evaluator.phase = phase
            _entry(evaluator, service, name, arguments)
    elif function:
        for phase, given in (("load", NONE), ("infer", data)):
            evaluator.phase = phase
            found = evaluator.function(function)
            frame = evaluator.enter(found, [given, CONTEXT], {}, "", sure=True) if found else None
            if found and frame and phase == "infer":
                _note_returns(evaluator, found[1].name, frame)
    return tuple(evaluator.acts)


def _entry(evaluator: Evaluator, service: str, name: str, arguments: list[Value]) -> None:
    """A method that the server calls: the nearest one, or the server's own."""
    for dotted in [service, *evaluator.bases(service)]:
        found = evaluator.method_of(dotted, name)
        if found is not None:
            frame = evaluator.enter(found, arguments, {}, dotted, sure=True)
            if frame and name == "handle":
                _note_returns(evaluator, name, frame)
            return
        if dotted.startswith(STOCK):
            evaluator.acts.append(Act("stock", "", 1, evaluator.phase, call=name))
            if name == "handle":
                _pipeline(evaluator, service, arguments)
            return


def _pipeline(evaluator: Evaluator, service: str, arguments: list[Value]) -> None:
    """BaseHandler.handle: preprocess, inference, postprocess, of which a class may bring its own."""
    value = arguments[0]
    for name in ("preprocess", "inference", "postprocess"):
        for dotted in [service, *evaluator.bases(service)]:
            found = evaluator.method_of(dotted, name)
            if found is not None:
                frame = evaluator.enter(found, [value], {}, dotted, sure=True)
                if frame:
                    _note_returns(evaluator, name, frame)
                value = frame.result() if frame else UNKNOWN
                break
            if dotted.startswith(STOCK):
                evaluator.acts.append(Act("stock", "", 1, "infer", call=name, value=value))
                value = UNKNOWN
                break


def _note_returns(evaluator: Evaluator, name: str, frame: Frame) -> None:
    """What the function hands back, each way."""
    member = frame.code.module.member
    for value, line, sure in frame.returned:
        evaluator.acts.append(Act("return", member, line, "infer", name, value, sure=sure))
    if not frame.left:
        line = next((each.lineno for each in ast.walk(frame.code.tree)
                     if isinstance(each, Function) and each.name == name), 1)  # fmt: skip
        evaluator.acts.append(Act("return", member, line, "infer", name, NONE, sure=frame.sure))
