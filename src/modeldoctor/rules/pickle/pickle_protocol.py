"""MDR212: a pickle protocol that the reader does not take."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint, Pickle
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.pickle._uses import at, streams, unpickled

_TORCH_FILES = frozenset({"torch-zip", "torch-legacy", "torch-tar"})
# Python's release notes: protocol 4 is new in 3.4, protocol 5 in 3.8.
_FIRST_PYTHON = {4: (3, 4), 5: (3, 8)}
# torch/_weights_only_unpickler.py: the opcodes that pickle protocols 4 and 5 always use and it never reads (each was
# tried with 1.13.1 to 2.15.0).
_REFUSED = frozenset({"FRAME", "MEMOIZE", "STACK_GLOBAL", "SHORT_BINUNICODE", "BINUNICODE8"})
# torch/serialization.py, load: weights_only is the default from 2.6 on.
_RESTRICTED_SINCE = (2, 6)


@rule(
    Checkpoint,
    code="MDR212",
    slug="pickle-protocol",
    severity=Severity.WARNING,
    since="0.1",
    summary="the pickle protocol is one that the target's Python or torch's loader cannot read",
)
def pickle_protocol(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The file was written with another pickle protocol than torch's own, which is 2.

    ## What it finds
    * protocol 0 or 1 with tensors in it: the references to the tensors are text there, and no release of torch reads
      them (`torch.save` writes such files without complaint),
    * protocol 5 for a target with Python 3.7 or older,
    * opcodes of protocol 4 or 5 in a torch file: the restricted loader, the default since torch 2.6, knows none.

    ## Why it matters
    `torch.save(obj, path, pickle_protocol=4)` looks like an optimisation and saves nothing: tensor bytes are not in the
    pickle. It costs the restricted loader, and with it every `torch.load` that does not pass `weights_only=False`.
    Protocol 0 costs the file.

    ## Seen as
    * `AssertionError: saved_id must be a tuple, got str`, or `AssertionError` without a text (protocols 0 and 1)
    * `ValueError: unsupported pickle protocol: 5`
    * `_pickle.UnpicklingError: Weights only load failed. … Unsupported operand 149` (`FRAME`; 140 `SHORT_BINUNICODE`,
      148 `MEMOIZE`, 147 `STACK_GLOBAL`)

    ## Fix
    Write the file again without `pickle_protocol=`. A file of protocol 4 or 5 still loads unrestricted:

    ```python
    obj = torch.load("model.pt", weights_only=False)     # only if you trust it
    torch.save(obj, "model.pt")
    ```

    ## References
    * `torch/serialization.py`, `DEFAULT_PROTOCOL`; `torch/_weights_only_unpickler.py`, `Unpickler.load`
    * https://docs.python.org/3/library/pickle.html#data-stream-format
    """
    torch_file = checkpoint.format in _TORCH_FILES
    for pickle in streams(checkpoint) if unpickled(checkpoint) else ():
        hit = _text_ids(pickle) if torch_file else None
        hit = hit or _newer_than_python(pickle, context) or (_refused(pickle, context) if torch_file else None)
        if hit is not None:
            what, severity, seen_as, position = hit
            yield Hit(
                what,
                where=at(checkpoint, pickle, position),
                severity=severity,
                fix="save it again without `pickle_protocol=`" if torch_file else "write it again with `protocol=2`",
                notes=(("seen as", seen_as),),
                key=str(pickle.protocol),
                data={"protocol": pickle.protocol},
            )
            return


Found = tuple[str, Severity, str, int]


def _text_ids(pickle: Pickle) -> Found | None:
    """Persistent ids as text: what torch writes as a tuple became its `str`."""
    for event in pickle.events:
        if event.kind == "persistent" and event.name == "text":
            what = f"pickle protocol {pickle.protocol} turned the references to tensors into text: no torch reads it"
            return what, Severity.ERROR, "saved_id must be a tuple, got str", event.position
    return None


def _newer_than_python(pickle: Pickle, context: Context) -> Found | None:
    python, first = context.target.python, _FIRST_PYTHON.get(pickle.protocol)
    if python is None or first is None or not python.release or python.release[:2] >= first:
        return None
    needed = f"Python {first[0]}.{first[1]}"
    what = f"pickle protocol {pickle.protocol} needs {needed}, the target is {python.text} ({python.source})"
    return what, Severity.ERROR, f"ValueError: unsupported pickle protocol: {pickle.protocol}", 0


def _refused(pickle: Pickle, context: Context) -> Found | None:
    torch = context.target.torch
    if torch is not None and torch.release and torch.release[:2] < _RESTRICTED_SINCE:
        return None
    for event in pickle.events:
        if event.kind == "opcode" and event.name in _REFUSED:
            what = (
                f"pickle protocol {pickle.protocol}, of which torch's restricted loader reads nothing: "
                "`torch.load` fails unless `weights_only=False` is passed (torch 2.6 on)"
            )
            return what, Severity.WARNING, "Weights only load failed. … Unsupported operand 149", event.position
    return None
