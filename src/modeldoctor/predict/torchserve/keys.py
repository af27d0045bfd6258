"""Whether the tensors of a file are those that a model class asks for: torch/nn/modules/module.py, load_state_dict."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Act, Archive, Shape
from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Severity
from modeldoctor.predict.torchserve.faults import Fault, at_load
from modeldoctor.wording import count, listing, quoted

# What wrappers put before every key: torch.nn.parallel, torch.compile.
_PREFIXES = ("module.", "_orig_mod.")


def misfits(
    archive: Archive, part: Checkpoint, key: str, shape: Shape | None, member: str, act: Act | None
) -> Iterator[Fault]:
    """Why `load_state_dict` refuses what the file holds under `key`; nothing when it fits or nobody can tell."""
    anatomy = part.anatomy
    if part.state != "understood" or part.format == "torchscript":
        return
    place: tuple[str, int | None] = (act.member, act.line) if act else (member, None)
    name = shape.name.rpartition(".")[2] if shape else "Net"
    seen = f"RuntimeError: Error(s) in loading state_dict for {name}:"

    def fault(message: str, fix: str, said: str = seen) -> Fault:
        phase, http = at_load(archive)
        return Fault("weights-keys", message, fix, Severity.ERROR, phase, http, *place, said, key=member)

    if anatomy.contents in {"module", "scripted"} and not key:
        said = f"TypeError: Expected state_dict to be dict-like, got <class '{anatomy.root_class or 'Net'}'>."
        yield fault(
            f"{quoted(member)} holds a whole model, and `load_state_dict` wants its state_dict",
            "save `model.state_dict()`",
            said,
        )
        return
    if anatomy.contents == "training" and not key:
        weights = anatomy.weights_key
        where = f" under {quoted(weights)}" if weights else ""
        yield fault(
            f"{quoted(member)} is a training checkpoint with the weights{where}: its top keys are no parameters",
            f'save `checkpoint["{weights}"]` alone' if weights else "save the state_dict alone",
        )
        return
    got = _tensors(part, key)
    if not got:
        return
    prefix = next((each for each in _PREFIXES if all(path.startswith(each) for path in got)), None)
    if prefix and not (shape and shape.roots is not None and prefix[:-1] in shape.roots):
        yield fault(
            f"every key of {quoted(member)} starts with `{prefix}`, which the class does not have",
            f"save it without: `{{key.removeprefix('{prefix}'): value for key, value in state.items()}}`",
        )
        return
    if shape is not None and shape.roots is not None:
        yield from _compared(got, shape, member, fault)


def _tensors(part: Checkpoint, key: str) -> dict[str, tuple[int, ...]]:
    """Keys and shapes of the tensors; those below `key` without it."""
    prefix = f"{key}." if key else ""
    return {tensor.path[len(prefix) :]: tensor.shape for tensor in part.tensors if tensor.path.startswith(prefix)}


def _compared(got: dict[str, tuple[int, ...]], shape: Shape, member: str, fault) -> Iterator[Fault]:  # type: ignore[no-untyped-def] # noqa: ANN001 - the local function above
    wanted = dict(shape.keys)
    roots = shape.roots or frozenset()
    unexpected = [path for path in got if (path not in wanted if shape.whole else path.partition(".")[0] not in roots)]
    # Files from before torch 0.4.1 lack the counters, which BatchNorm forgives (torch/nn/modules/batchnorm.py).
    missing = [path for path in wanted if path not in got and not path.endswith("num_batches_tracked")]
    name = shape.name.rpartition(".")[2]
    if missing or unexpected:
        lacks = f"{count(len(missing), 'key')} of `{name}` not there: {listing(missing)}" if missing else ""
        strange = f"{count(len(unexpected), 'key')} not of `{name}`: {listing(unexpected)}" if unexpected else ""
        parts = [part for part in (lacks, strange) if part]
        yield fault(
            f"{quoted(member)} does not fit `{name}`: {'; '.join(parts)}",
            "save the state_dict of this very class, or pack the class that it was saved from",
        )
        return
    other = [path for path, size in wanted.items() if size is not None and path in got and got[path] != size]
    if other:
        path, size = other[0], list(wanted[other[0]] or ())
        yield fault(
            f"{quoted(path)} in {quoted(member)} has the shape {list(got[path])}, `{name}` has {size}",
            "save the state_dict of this very class, or pack the class that it was saved from",
        )
