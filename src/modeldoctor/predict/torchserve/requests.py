"""What a request meets: ts/service.py, predict, and the stages of BaseHandler.handle."""

from collections.abc import Iterator

from modeldoctor.facts.archive import MANIFEST, Act, Archive
from modeldoctor.facts.environment import Target
from modeldoctor.findings import Confidence, Severity
from modeldoctor.predict.torchserve.faults import FAILED, Fault, at_load
from modeldoctor.predict.torchserve.weights import initialized_by_stock, stock_class
from modeldoctor.wording import quoted

# Classes of the server whose `preprocess` is that of BaseHandler.
_PLAIN_INPUT = frozenset({"base_handler.BaseHandler", "text_handler.TextHandler"})
# Values that are no list, as Python calls their types.
_TYPES = {
    "dict": "dict",
    "string": "str",
    "text": "str",
    "tuple": "tuple",
    "none": "NoneType",
    "set": "set",
    "coroutine": "coroutine",
    "iterator": "iterator",
    "array": "tensor",
    "generator": "generator",
    "number": "int",
}
_FAILED = "Invoking custom service failed."


def at_start(archive: Archive) -> Iterator[Fault]:
    """Exceptions of the handler's own while it is loaded. After the first that is sure nothing more is reached."""
    bindings = dict(module.bindings) if (module := archive.module(archive.handler_module)) else {}
    is_function = (archive.handler.split(":", 1)[1] if ":" in archive.handler else "handle") in bindings
    for act in archive.acts:
        if act.phase != "load" or act.kind not in {"raise", "none"} or act.call == "NotImplementedError":
            continue
        what = f"{act.call}: {act.value.text}" if act.value.kind == "text" else act.call
        if act.kind == "none" and is_function:
            place: tuple[str, int | None] = at_load(archive) if act.sure else ("", None)
            message = "the loader calls the function once with `data` None, and it is used before that is asked"
            yield Fault(
                "handler-none",
                message,
                "begin with `if data is None: return None`",
                Severity.ERROR if act.sure else Severity.WARNING,
                *place,
                act.member,
                act.line,
                act.call,
            )
            return
        if act.sure:
            message = f"loading the handler ends in `{what[:80]}` on every way"
            yield Fault(
                "handler-raises",
                message,
                "mend what leads to it",
                Severity.ERROR,
                *at_load(archive),
                act.member,
                act.line,
                what[:120],
                key=act.call,
            )
            return


def requests(archive: Archive, target: Target) -> Iterator[Fault]:
    """What is certain to go wrong with every request."""
    yield from _input(archive)
    yield from _stages(archive)
    if not archive.server.setting("service_envelope"):
        yield from _responses(archive)
    for act in archive.acts:
        if act.kind == "raise" and act.phase == "infer" and act.sure and "PredictionException" not in act.call:
            what = f"{act.call}: {act.value.text}" if act.value.kind == "text" else act.call
            message = f"the handler raises `{what[:80]}` for every request"
            yield Fault(
                "request-raises",
                message,
                "mend what makes it raise",
                Severity.ERROR,
                "infer",
                FAILED,
                act.member,
                act.line,
                f"{_FAILED} {what[:100]}",
                key=act.call,
            )
    yield from _habits(archive, target)


def _input(archive: Archive) -> Iterator[Fault]:
    """BaseHandler.preprocess makes a tensor of the list of dicts that a request is."""
    stock = stock_class(archive)
    if stock not in _PLAIN_INPUT or archive.server.setting("service_envelope"):
        return
    direct = archive.module(archive.handler_module) is None
    reached = any(act.kind == "stock" and act.call == "preprocess" and act.value.kind == "data" for act in archive.acts)
    if direct or reached:
        what = f"the handler `{archive.handler}`" if direct else "the handler inherits `preprocess` of BaseHandler and"
        message = f"{what} makes a tensor of the request, which is a list of dicts: every request fails"
        seen = f"{_FAILED} RuntimeError: Could not infer dtype of dict"
        fix = "define `preprocess` in a subclass, or set `service_envelope=body` in config.properties"
        member, line = (
            (MANIFEST, archive.manifest.line_of("handler")) if direct else (f"{archive.handler_module}.py", 1)
        )
        yield Fault("request-input", message, fix, Severity.ERROR, "infer", FAILED, member, line, seen)


def _stages(archive: Archive) -> Iterator[Fault]:
    """A stage of the class that hands the next one of BaseHandler what it cannot take."""
    for act in archive.acts:
        wanted = {"inference": "to", "postprocess": "tolist"}.get(act.call) if act.kind == "stock" else None
        kind = _TYPES.get(act.value.kind, "list" if act.value.kind == "list" else "")
        if wanted and kind and act.value.kind != "array" and act.phase == "infer":
            before = "preprocess" if act.call == "inference" else "inference"
            line = next((each.line for each in archive.acts if each.kind == "return" and each.call == before), 1)
            message = (
                f"`{before}` of the handler returns a {kind}, and `{act.call}` of BaseHandler calls `.{wanted}()` on it"
            )
            yield Fault(
                "request-input",
                message,
                f"return a tensor, or define `{act.call}`",
                Severity.ERROR,
                "infer",
                FAILED,
                f"{archive.handler_module}.py",
                line,
                f"{_FAILED} AttributeError: '{kind}' object has no attribute '{wanted}'",
                key=act.call,
            )


def _responses(archive: Archive) -> Iterator[Fault]:
    """The server wants a list with one element for each request of the batch."""
    last = next(
        (
            name
            for name in ("handle", "postprocess")
            if any(a.call == name and a.kind == "return" for a in archive.acts)
        ),
        None,
    )
    function = archive.handler.split(":", 1)[1] if ":" in archive.handler else ""
    last = function if any(act.call == function and act.kind == "return" for act in archive.acts) else last
    returned = [act for act in archive.acts if act.kind == "return" and act.call == last and act.phase == "infer"]
    if not returned:
        return
    config = archive.config.worker if archive.config else None
    config = config if isinstance(config, dict) else {}
    odd = [act for act in returned if act.value.kind in _TYPES]
    if config.get("asyncCommunication") is True or config.get("continuousBatching") is True:
        odd = []
    if len(odd) == len(returned) and not any(
        act.kind == "raise" and act.phase == "infer" and act.sure for act in archive.acts
    ):
        kind = _TYPES[odd[0].value.kind]
        message = f"`{last}` returns a {kind}; the server wants a list with one element for each request"
        fix = f"return `[result]`{' without `async`' if kind == 'coroutine' else ''}, one element for each of `data`"
        seen = f"model: …, Invalid return type: <class '{kind}'>. (503 Invalid model predict output)"
        yield Fault("response-type", message, fix, Severity.ERROR, "infer", FAILED, odd[0].member, odd[0].line, seen)
        return
    yield from _lengths(returned, config)


def _lengths(returned: list[Act], config: dict[str, object]) -> Iterator[Fault]:
    lengths = {_length(act) for act in returned}
    if len(lengths) != 1:
        return
    act, length = returned[0], lengths.pop()
    batch = config.get("batchSize")
    if length not in {"", "1", "1 times the batch"}:
        message = f"`{act.call}` returns a list of {length}; the server wants one element for each request"
        seen = "model: …, number of batch response mismatched, expect: 1, got: … (503)"
        yield Fault(
            "response-type",
            message,
            "return one element for each of `data`",
            Severity.ERROR,
            "infer",
            FAILED,
            act.member,
            act.line,
            seen,
            key="length",
        )
    elif length == "1" and isinstance(batch, int) and batch > 1:
        message = f"`{act.call}` returns one element, and `batchSize` is {batch}: batches of several requests fail"
        seen = "model: …, number of batch response mismatched, expect: 2, got: 1 (503)"
        yield Fault(
            "response-type",
            message,
            "return one element for each of `data`, or leave `batchSize` at 1",
            Severity.WARNING,
            member=act.member,
            line=act.line,
            seen=seen,
            key="batch",
        )


def _length(act: Act) -> str:
    if act.value.kind != "list":
        return ""
    if act.value.text:
        return "" if act.value.text.startswith("-1") else act.value.text
    return str(act.value.number) if act.value.number >= 0 else ""


def _habits(archive: Archive, target: Target) -> Iterator[Fault]:
    kinds = {act.kind for act in archive.acts}
    loaded = next((act for act in archive.acts if act.kind in {"apply", "load"} and act.phase == "load"), None)
    if loaded and not initialized_by_stock(archive) and archive.module(archive.handler_module):
        if "eval" not in kinds and loaded.call not in {"joblib.load", "safetensors.torch.load_file"}:
            yield Fault(
                "handler-habits",
                "the handler loads a model and never calls `eval()` on it: dropout and batch norm "
                "stay in training mode",
                "call `self.model.eval()` in `initialize`",
                Severity.INFO,
                member=loaded.member,
                line=loaded.line,
                confidence=Confidence.MEDIUM,
                key="eval",
            )
        if "no_grad" not in kinds:
            yield Fault(
                "handler-habits",
                "the handler runs the model without `torch.inference_mode()`: every request keeps memory for gradients",
                "put the call of the model under `with torch.inference_mode():`",
                Severity.INFO,
                member=loaded.member,
                line=loaded.line,
                confidence=Confidence.MEDIUM,
                key="grad",
            )
    device = next((act for act in archive.acts if act.kind == "device" and act.sure), None)
    if device:
        bare = target.cpu_only is True
        fails = at_load(archive) if device.phase == "load" else ("infer", FAILED)
        place: tuple[str, int | None] = fails if bare else ("", None)
        message = f"the handler asks for CUDA whatever the host has: {quoted(device.call)}"
        yield Fault(
            "handler-device",
            message,
            'take the device from `context.system_properties.get("gpu_id")`',
            Severity.ERROR if bare else Severity.INFO,
            *place,
            device.member,
            device.line,
            "AssertionError: Torch not compiled with CUDA enabled",
        )
