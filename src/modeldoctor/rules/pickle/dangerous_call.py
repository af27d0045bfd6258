"""MDR202: unpickling that runs code with effects outside the model."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, place, rule
from modeldoctor.rules.pickle._acts import Act, acts, inert_acts
from modeldoctor.wording import count, listing, quoted

_SHOWN = 8
_SHOWN_TEXT = 300
_TORCH_FILES = frozenset({"torch-zip", "torch-legacy", "torch-tar"})


@rule(
    Checkpoint,
    code="MDR202",
    slug="dangerous-call",
    severity=Severity.ERROR,
    since="0.1",
    summary="loading the file runs code that does more than build a model",
)
def dangerous_call(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """A pickle is a program. This one calls functions that no saved model needs.

    ## What it finds
    Whatever the pickle calls or instantiates, unless a list knows it as harmless: the builders of tensors and arrays,
    containers, numbers, dates, torch's own classes. Reported as dangerous is what

    * runs commands or Python source, loads another pickle, opens files or connections, or imports by name: `os`,
      `subprocess`, `builtins.eval`, `importlib`, `runpy`, `socket`, `ctypes`, `pickle.loads`, `pip`, `torch.hub.load`…,
    * is any other *function* of the standard library, torch or NumPy that is not on the list: reconstructors are known,
      and nothing else of them belongs into a model (`numpy.f2py`, `torch.utils.collect_env.run`, `timeit`…),
    * leads from a harmless place to such a function: `getattr` chains, dotted names (`torch.serialization.os.system`),
      callables that the pickle puts together first (`operator.attrgetter`, `functools.partial`) or hands to something
      that calls what it is given, and changes to attributes of modules and classes.

    A dangerous function that is only *named*, and that nothing in the pickle calls, is a warning; so is a pickle among
    the bytes of this one that nothing loads. Functions of other packages and of projects that nobody knows are the
    matter of `unknown-call`.

    ## Why it matters
    Objects say in `__reduce__` how to rebuild them: a function and its arguments. Whoever writes a pickle can put any
    function there, and the loader calls it while reading the file, before your code sees a model. Such files come from
    attackers, and now and then from experiments with "self-installing" models; a service must load neither.

    ## Seen as
    Nothing at all: the load succeeds and returns a model. Or a strange error after the fact, such as

    * `TypeError: 'int' object is not callable` (the result of `os.system` where a model was expected)
    * `_pickle.UnpicklingError: Weights only load failed. … Trying to load unsupported GLOBAL posix.system whose module
      posix is blocked.` (the restricted loader, the default since torch 2.6)

    ## Fix
    Don't load it, and ask where it comes from. If the weights in it are needed, read them without running the pickle:

    ```python
    state = torch.load("model.pt", weights_only=True)       # refuses instead of calling (2.6 or newer)
    safetensors.torch.save_file(state, "model.safetensors")
    ```

    If you wrote the file and want the call, list it in `trusted-globals` of the configuration.

    ## References
    * https://docs.python.org/3/library/pickle.html (the warning at the top, and `object.__reduce__`)
    * https://pytorch.org/docs/stable/notes/serialization.html#weights-only
    * https://github.com/pytorch/pytorch/security/policy
    """
    found = acts(checkpoint, context)
    runs = [act for act in found if act.level == "runs"]
    if runs:
        yield _hit(checkpoint, runs, f"loading {runs[0].verb} {quoted(runs[0].text)}, which {runs[0].words}")
        return
    hidden = inert_acts(checkpoint, context)
    if hidden:
        what = (
            f"bytes in the pickle are a pickle of their own, which would run {quoted(hidden[0].text)} if it were loaded"
        )
        yield _hit(checkpoint, hidden, what, Severity.WARNING)
    names = [act for act in found if act.level == "names"]
    if names:
        what = f"the pickle names {listing(list(dict.fromkeys(act.text for act in names)))}"
        message = f"{what}: loading imports it, and whatever it is given to can call it"
        yield _hit(checkpoint, names, message, Severity.WARNING)


def _hit(checkpoint: Checkpoint, found: list[Act], message: str, severity: Severity = Severity.ERROR) -> Hit:
    first = found[0]
    called = first.level == "runs"
    more = len(found) - 1
    scripted = checkpoint.format == "torchscript"
    loader = "; only Python's unpickler runs it, torch's C++ loader refuses it" if scripted else ""
    refused = "; `torch.load(…, weights_only=True)` refuses such calls" if checkpoint.format in _TORCH_FILES else ""
    told = [] if not more and quoted(first.text) == quoted(first.text, _SHOWN_TEXT) else found[:_SHOWN]
    return Hit(
        message + (f", and {count(more, 'more such call')}" if more and called else "") + loader,
        where=place(checkpoint, first.member, first.byte),
        severity=severity,
        fix=f"don't load it before you know who wrote it{refused}",
        notes=(
            *(("runs" if called else "names", f"{quoted(act.text, _SHOWN_TEXT)}: {act.words}") for act in told),
            *((("runs", f"and {more - _SHOWN + 1:,} more"),) if more >= _SHOWN else ()),
        ),
        key=first.full or "computed",
        data={"calls": [{"call": act.text, "member": act.member, "byte": act.byte} for act in found[:100]]},
    )
