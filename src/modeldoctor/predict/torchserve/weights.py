"""Loading the model: BaseHandler.initialize (ts/torch_handler/base_handler.py), or what a handler does itself."""

from collections.abc import Iterator

from modeldoctor.facts.archive import MANIFEST, Archive, in_folder
from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.environment import Target
from modeldoctor.findings import Confidence, Severity
from modeldoctor.predict.torchserve.faults import Fault, at_load
from modeldoctor.predict.torchserve.keys import misfits
from modeldoctor.predict.torchserve.loading import Verdict, verdict
from modeldoctor.predict.torchserve.names import kin
from modeldoctor.predict.torchserve.unpack import near
from modeldoctor.tables import table
from modeldoctor.wording import listing, quoted

# Classes of the server whose `initialize` begins with that of BaseHandler.
_BASED = frozenset(
    {
        "base_handler.BaseHandler",
        "vision_handler.VisionHandler",
        "image_classifier.ImageClassifier",
        "object_detector.ObjectDetector",
        "image_segmenter.ImageSegmenter",
        "text_handler.TextHandler",
        "text_classifier.TextClassifier",
        "dali_handler.DALIHandler",
        "dali_image_classifier.DALIImageClassifier",
    }
)


def stock_class(archive: Archive) -> str:
    """The class of the server that the handler is or comes from: `base_handler.BaseHandler`; `""` for none."""
    module = archive.module(archive.handler_module)
    if module is None:
        row = table("torchserve")["handlers"].get(archive.handler)
        return f"{archive.handler}.{row['class']}" if row and row["class"] else ""
    bindings = dict(module.bindings)
    own = [each for each in module.classes if bindings.get(each.name) == "class"]
    function = archive.handler.split(":", 1)[1] if ":" in archive.handler else "handle"
    return kin(archive, module, own[0]).stock if len(own) == 1 and function not in bindings else ""


def initialized_by_stock(archive: Archive) -> bool:
    """Whether BaseHandler.initialize runs, for sure."""
    stock = stock_class(archive)
    if stock not in _BASED:
        return False
    if archive.module(archive.handler_module) is None:
        return True
    return any(
        act.kind == "stock" and act.call == "initialize" and act.sure and act.phase == "load" for act in archive.acts
    )


def stock(archive: Archive, target: Target) -> Iterator[Fault]:
    """What BaseHandler.initialize does with `modelFile` and `serializedFile`, step by step."""
    if not initialized_by_stock(archive) or not isinstance(archive.manifest.worker, dict):
        return
    model = archive.worker_model
    serialized, model_file = model.get("serializedFile"), model.get("modelFile")
    for key, value in (("serializedFile", serialized), ("modelFile", model_file)):
        if key in model and not isinstance(value, str) and (value is not None or key == "serializedFile"):
            yield _fault(
                archive,
                "serialized-file",
                f"`{key}` in the manifest must be a text",
                "write a file name",
                "TypeError: join() argument must be str",
                key,
            )
            return
    if model_file:
        yield from _eager(archive, str(model_file), serialized, target)
    elif not serialized:
        yield _fault(
            archive,
            "no-weights-named",
            "neither `serializedFile` nor `modelFile` is in the manifest, and the stock `initialize` needs one",
            "pack the weights with `--serialized-file`",
            "AttributeError: 'NoneType' object has no attribute 'endswith'",
            "model",
        )
    else:
        yield from _by_suffix(archive, serialized, target)
    if "text" in stock_class(archive) and not model.get("sourceVocab") and "source_vocab.pt" not in archive.members:
        yield _fault(
            archive,
            "source-vocab",
            "the text handler needs `source_vocab.pt`, which is not in the archive",
            "pack it with `--extra-files source_vocab.pt`",
            "Exception: Missing the source_vocab file.",
            "handler",
        )


def _fault(archive: Archive, kind: str, message: str, fix: str, seen: str, key: str, member: str = MANIFEST) -> Fault:
    line = archive.manifest.line_of(key) if member == MANIFEST else None
    return Fault(kind, message, fix, Severity.ERROR, *at_load(archive), member, line, seen)


def _missing(archive: Archive, serialized: str, seen: str) -> Fault:
    close = near(serialized, list(archive.members)) or next(
        (each for each in archive.members if each.rpartition("/")[2] == serialized.rpartition("/")[2]), None
    )
    message = f"`serializedFile` names {quoted(serialized)}, which is not in the archive"
    fix = f"name {quoted(close)}" if close else "pack it with `--serialized-file`"
    return _fault(archive, "serialized-file", message, fix, seen, "serializedFile")


# --------------------------------------------------------------------------- with modelFile


def _eager(archive: Archive, model_file: str, serialized: str | None, target: Target) -> Iterator[Fault]:
    if model_file not in archive.members:
        close = near(model_file, [each for each in archive.members if each.endswith(".py")])
        message = f"`modelFile` names {quoted(model_file)}, which is not in the archive"
        yield _fault(
            archive,
            "model-file",
            message,
            f"name {quoted(close)}" if close else "pack it with `--model-file`",
            "RuntimeError: Missing the model.py file",
            "modelFile",
        )
        return
    name = model_file.split(".", maxsplit=1)[0]
    if "/" in name:
        message = f"`modelFile` {quoted(model_file)} lies in a folder, and a module of that name cannot be imported"
        yield _fault(
            archive,
            "model-file",
            message,
            "pack it at the root of the archive",
            f"ModuleNotFoundError: No module named '{name}'",
            "modelFile",
        )
        return
    yield from _model_class(archive, model_file, name)
    if serialized is None:
        message = "`modelFile` without `serializedFile`: the model serves with random weights"
        yield Fault(
            "no-weights-named",
            message,
            "pack the weights with `--serialized-file`",
            Severity.WARNING,
            member=MANIFEST,
            line=archive.manifest.line_of("modelFile"),
        )
    elif serialized not in archive.members:
        yield _missing(archive, serialized, f"FileNotFoundError: [Errno 2] No such file or directory: '…/{serialized}'")
    elif part := archive.part(serialized):
        said = verdict(archive, part, "default_cpu", target)
        if said:
            yield loading_fault(archive, serialized, said, f"the server loads {quoted(serialized)} with `torch.load`")
        if not said or not said.always:
            shape = next((each for each in archive.shapes if each.name.startswith(f"{name}.")), None)
            yield from misfits(archive, part, "", shape, serialized, None)


def _model_class(archive: Archive, model_file: str, name: str) -> Iterator[Fault]:
    module = archive.module(name)
    if module is None or module.error or module.stars:
        return
    bindings = dict(module.bindings)
    own = [each for each, kind in bindings.items() if kind in {"class", "made", "alias"}]
    if any(kind.startswith("maybe") and not kind.endswith("import") for kind in bindings.values()):
        return
    if len(own) != 1:
        said = f"{len(own)} classes ({listing(own)})" if own else "no class"
        message = f"{quoted(model_file)} has {said}; the stock `initialize` wants exactly one in it"
        yield Fault(
            "model-file",
            message,
            "move the others into a module that it imports",
            Severity.ERROR,
            *at_load(archive),
            model_file,
            module.classes[1].line if len(module.classes) > 1 else 1,
            "ValueError: Expected only one class as model definition. […]",
            key="classes",
        )
        return
    found = module.named(own[0])
    init = found.method("__init__") if found else None
    if found and init and init.plain and init.least > 0:
        message = (
            f"the server makes `{found.name}()` without arguments, and it wants {listing(init.keywords[: init.least])}"
        )
        yield Fault(
            "model-file",
            message,
            "give every parameter a default",
            Severity.ERROR,
            *at_load(archive),
            model_file,
            init.line,
            f"TypeError: {found.name}.__init__() missing {init.least} required positional argument",
            key="init",
        )


# --------------------------------------------------------------------------- without modelFile


def _by_suffix(archive: Archive, serialized: str, target: Target) -> Iterator[Fault]:
    if serialized.endswith(".pt"):
        if serialized not in archive.members:
            yield _missing(archive, serialized, f"ValueError: The provided filename …/{serialized} does not exist")
        elif part := archive.part(serialized):
            said = verdict(archive, part, "jit", target)
            if said:
                yield _jit_fault(archive, serialized, part, said)
    elif serialized.endswith(".onnx"):
        return  # served where onnxruntime is installed
    elif serialized.endswith(".so") and _aot(archive):
        if serialized not in archive.members:
            yield _missing(archive, serialized, "RuntimeError: …")
    else:
        suffix = "." + serialized.rpartition(".")[2] if "." in serialized else "no suffix"
        message = f"without `modelFile` the suffix decides: `.pt` is loaded as TorchScript, {quoted(suffix)} not at all"
        fix = "name the class with `--model-file`, or pack TorchScript under a name that ends in `.pt`"
        yield _fault(
            archive, "weights-suffix", message, fix, "RuntimeError: No model weights could be loaded", "serializedFile"
        )


def _aot(archive: Archive) -> bool:
    config = archive.config.worker if archive.config else None
    pt2 = config.get("pt2") if isinstance(config, dict) else None
    export = pt2.get("export") if isinstance(pt2, dict) else None
    return isinstance(export, dict) and export.get("aot_compile") is True


def _jit_fault(archive: Archive, member: str, part: Checkpoint, said: Verdict) -> Fault:
    if part.format == "torchscript" or part.state != "understood":
        return loading_fault(archive, member, said, f"the server loads {quoted(member)} with `torch.jit.load`")
    what = {"state_dict": "a state_dict", "module": "a pickled module", "training": "a training checkpoint"}
    holds = what.get(part.anatomy.contents, part.title)
    message = f"{quoted(member)} is {holds}, and without `modelFile` the server takes a `.pt` for TorchScript"
    fix = "add the class with `--model-file`, or save the model with `torch.jit.script`"
    seen = (
        f"{said.outcome.exception}: {said.outcome.message}" if said.outcome.exception else "RuntimeError: constants.pkl"
    )
    notes = (("note", "the error speaks of a corrupted checkpoint; the file is whole"),)
    return Fault("weights-not-scripted", message, fix, Severity.ERROR, *at_load(archive), member, None, seen, notes)


def loading_fault(archive: Archive, member: str, said: Verdict, how: str) -> Fault:
    """A load that fails; on some releases only when nobody says which one it is."""
    outcome = said.outcome
    where = "" if said.always else f" with {said.where}"
    message = f"{how}, which fails{where}: {outcome.reason or outcome.message}"
    severity = Severity.ERROR if said.always or said.known else Severity.WARNING
    phase, http = at_load(archive) if severity is Severity.ERROR else ("", None)
    fix = outcome.fix or "save the `state_dict()` of the model again"
    seen = f"{outcome.exception}: {outcome.message}"
    return Fault("weights-not-loadable", message, fix, severity, phase, http, member, None, seen, key=member)


# --------------------------------------------------------------------------- what the handler does itself

_MODES = {"torch.jit.load": "jit", "torch.export.load": "export", "safetensors.torch.load_file": "safetensors"}


def own_loading(archive: Archive, target: Target) -> Iterator[Fault]:
    """Files that the handler opens and models that it loads, where that happens for sure."""
    for act in archive.acts:
        if act.kind == "writes":
            return  # from here on the folder may hold anything
        if act.phase != "load" or not act.sure or act.kind not in {"load", "open"} or act.value.kind != "text":
            continue
        member = in_folder(act.value.text)
        if member is None:
            yield _outside(act.value.text, act.member, act.line)
        elif member not in archive.members and not any(each.startswith(f"{member}/") for each in archive.members):
            close = near(member, list(archive.members)) or _only_model(archive, member)
            message = f"the handler opens {quoted(member)}, which is not in the archive"
            message += f"; there is {quoted(close)}" if close else ""
            seen = f"FileNotFoundError: [Errno 2] No such file or directory: '…/{member}'"
            fix = 'take the name from `context.manifest["model"]["serializedFile"]`, or pack the file'
            yield Fault(
                "file-not-packed",
                message,
                fix,
                Severity.ERROR,
                *at_load(archive),
                act.member,
                act.line,
                seen,
                key=member,
            )
        elif act.kind == "load" and act.call != "joblib.load" and (part := archive.part(member)):
            mode = _MODES.get(act.call, _mode(act.option("weights_only"), "map_location" in dict(act.options)))
            said = verdict(archive, part, mode, target)
            if said:
                fault = loading_fault(archive, member, said, f"the handler loads {quoted(member)} with `{act.call}`")
                yield fault._replace(member=act.member, line=act.line)


def _mode(weights_only: object, mapped: bool) -> str:
    if weights_only is True:
        return "weights_only"
    if weights_only is False:
        return "full"
    return "default_cpu" if mapped else "default"


def _only_model(archive: Archive, member: str) -> str | None:
    suffix = member.rpartition(".")[2]
    alike = [name for name, _ in archive.models if name.endswith((".pt", ".pth", f".{suffix}"))]
    return alike[0] if len(alike) == 1 else None


def _outside(path: str, member: str, line: int) -> Fault:
    message = f"the handler opens {quoted(path)}, a path outside the archive that must exist on the server"
    return Fault(
        "file-not-packed",
        message,
        "pack the file and join its name to `model_dir`",
        Severity.INFO,
        member=member,
        line=line,
        confidence=Confidence.MEDIUM,
        key=path,
    )


def applied(archive: Archive) -> Iterator[Fault]:
    """What is given to `load_state_dict`, and loaded dictionaries that are used as modules."""
    for act in archive.acts:
        if act.value.kind != "loaded" or not act.sure or not 0 <= act.value.number < len(archive.acts):
            continue
        load = archive.acts[act.value.number]
        member = in_folder(load.value.text) if load.value.kind == "text" else None
        part = archive.part(member) if member else None
        if part is None or member is None or part.state != "understood":
            continue
        if act.kind == "apply" and _lacks(part, act.value.text):
            message = f"{quoted(member)} has no {quoted(act.value.text)}: it is the state_dict itself"
            fix = "give the whole of it to `load_state_dict`"
            place = at_load(archive)
            seen = f"KeyError: '{act.value.text}'"
            yield Fault("weights-keys", message, fix, Severity.ERROR, *place, act.member, act.line, seen, key=member)
        elif act.kind == "apply" and act.option("strict", True) is True:
            shape = next((each for each in archive.shapes if each.name == act.target.text), None)
            yield from misfits(archive, part, act.value.text, shape, member, act)
        elif act.kind == "used" and not act.value.text and part.anatomy.contents in {"state_dict", "training"}:
            what = f"object has no attribute '{act.call}'" if act.call != "()" else "object is not callable"
            message = f"{quoted(member)} holds a {part.anatomy.contents.replace('training', 'training checkpoint')}, "
            message += f"and the handler uses it as a module (`{act.call}`)"
            place = at_load(archive) if act.phase == "load" else ("infer", 503)
            yield Fault(
                "weights-not-module",
                message,
                "build the model from its class and `load_state_dict` it",
                Severity.ERROR,
                *place,
                act.member,
                act.line,
                f"AttributeError: 'collections.OrderedDict' {what}",
                key=member,
            )
            return


def _lacks(part: Checkpoint, key: str) -> bool:
    """Whether a state_dict without wrapping is asked for a key as if it were a training checkpoint."""
    first = key.partition(".")[0]
    if not key or part.anatomy.contents != "state_dict":
        return False
    return not any(tensor.path == first or tensor.path.startswith(f"{first}.") for tensor in part.tensors)
