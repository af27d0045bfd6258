"""Which torch release loads a file, in which way, and with which error if not.

The prediction follows what the loaders do, step by step, with what each release knows as data
(`tables/torch_loading.json`, `tables/torch_names.json`). The host has no accelerator unless told otherwise.
"""

from collections.abc import Iterable
from functools import cache

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.load import LoadOutcome
from modeldoctor.predict.load.cure import Cure, cure, danger
from modeldoctor.predict.load.explain import fits, fix, reason
from modeldoctor.predict.load.failures import Failure, unknown
from modeldoctor.predict.load.forward import forward_fails
from modeldoctor.predict.load.programs import export_fails, safetensors_fails, scripted_fails
from modeldoctor.predict.load.releases import Column, Key, columns, columns_for, parse
from modeldoctor.predict.load.steps import File, look
from modeldoctor.predict.load.torch_load import archive_fails, has_constants, load_fails
from modeldoctor.predict.load.unpickle import Host, missing

# Ways of loading; the last three go on to a forward pass.
MODES = ("default", "weights_only", "full", "default_cpu", "mmap", "jit", "export", "safetensors")
FORWARD_MODES = ("forward", "jit_forward", "export_forward")


# What allowing names may help against.
CURABLE = frozenset({"wo_unsupported_global", "wo_unsupported_instance", "wo_unsupported_build"})
# Names in a fix; `Predictor.cure` has all of them.
_MOST_NAMES = 5


class Predictor:
    """The verdicts on one file. What the releases have in common is worked out once."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.file = look(checkpoint)
        self._failures: dict[tuple[str, Host], Failure | None] = {}
        self._cures: dict[Column, Cure | None] = {}
        self.danger = danger(checkpoint)

    def predict(
        self,
        torch: str,
        mode: str = "default",
        *,
        importable: bool = True,
        python: str | None = None,
        numpy: str | None = None,
        gpus: int = 0,
    ) -> LoadOutcome:
        """The verdict for a torch release; `unknown` outside the releases that are known.

        `python` and `numpy` default to the versions that the release was measured with (`Column`). `importable` says
        whether code that is neither torch's, NumPy's nor the standard library's can be imported.
        """
        found = columns_for(torch)
        if not found:
            return _outcome(torch, mode, importable, unknown(_outside(torch)), None)
        ends = []
        for column in found:
            versions = _version(python, column.python), _version(numpy, column.numpy)
            host = Host(column, *versions, importable, gpus=gpus)
            ends.append((self._failure(mode, host), column))
        outcome = (
            _between(torch, mode, importable, ends) if len(ends) == 2 else _outcome(torch, mode, importable, *ends[0])
        )
        return outcome if outcome.loads else outcome._replace(fix=self._fix(outcome, found[-1]))

    def _fix(self, outcome: LoadOutcome, column: Column) -> str:
        checkpoint = self.file.checkpoint
        words = fix(outcome.outcome_class, checkpoint, outcome.mode)
        if outcome.outcome == "refused" and self.danger:
            return f"do not load it: {self.danger}"
        if outcome.outcome_class not in CURABLE or not fits(checkpoint, outcome.mode):
            return words
        return _allow(self._cure(column), words)

    def cure(self, torch: str) -> Cure | None:
        """What the restricted loader of that release must be allowed; None when it takes the file, or has none."""
        found = columns_for(torch)
        return self._cure(found[-1]) if found else None

    def _cure(self, column: Column) -> Cure | None:
        if column not in self._cures:
            host = Host(column, column.python, column.numpy, importable=True, cpu=True)
            self._cures[column] = cure(self.file, host)
        return self._cures[column]

    def _failure(self, mode: str, host: Host) -> Failure | None:
        key = (mode, host)
        if key not in self._failures:
            self._failures[key] = _fails(self.file, mode, host)
        return self._failures[key]


def predict(
    checkpoint: Checkpoint,
    torch: str,
    mode: str = "default",
    *,
    importable: bool = True,
    python: str | None = None,
    numpy: str | None = None,
    gpus: int = 0,
) -> LoadOutcome:
    """The verdict for one file, release and way of loading: see `Predictor.predict`."""
    return Predictor(checkpoint).predict(torch, mode, importable=importable, python=python, numpy=numpy, gpus=gpus)


def matrix(
    checkpoint: Checkpoint,
    releases: Iterable[str],
    modes: Iterable[str] = MODES,
    *,
    importable: Iterable[bool] = (True,),
    python: str | None = None,
    numpy: str | None = None,
    gpus: int = 0,
) -> tuple[LoadOutcome, ...]:
    """The verdicts for all releases, modes and states of custom code, in that order."""
    return matrix_of(
        Predictor(checkpoint), releases, modes, importable=importable, python=python, numpy=numpy, gpus=gpus
    )


def matrix_of(
    predictor: Predictor,
    releases: Iterable[str],
    modes: Iterable[str] = MODES,
    *,
    importable: Iterable[bool] = (True,),
    python: str | None = None,
    numpy: str | None = None,
    gpus: int = 0,
) -> tuple[LoadOutcome, ...]:
    """The same from a predictor that is there already."""
    return tuple(
        [
            predictor.predict(release, mode, importable=there, python=python, numpy=numpy, gpus=gpus)
            for release in releases
            for mode in modes
            for there in importable
        ]
    )


# --------------------------------------------------------------------------- one load


def _fails(file: File, mode: str, host: Host) -> Failure | None:
    if mode.endswith("forward"):
        return _forward(file, mode, host)
    does = host.column.does
    if mode in {"default", "default_cpu"}:
        host = host._replace(cpu=mode == "default_cpu")
        return load_fails(file, host, weights_only="restricted_by_default" in does)
    if mode == "weights_only":
        return load_fails(file, host, weights_only="restricted_loader" in does, given=True)
    if mode in {"full", "mmap"}:
        return load_fails(file, host._replace(mapped=mode == "mmap"), weights_only=False, given=True)
    if mode == "jit":
        return _jit(file, host)
    if mode == "export":
        return export_fails(file.checkpoint, host.column)
    return safetensors_fails(file.checkpoint, host)


def _jit(file: File, host: Host) -> Failure | None:
    """torch.jit.load: torch/csrc/jit/serialization/import.cpp."""
    column = host.column
    if file.kind != "zip":
        if "jit_knows_zip_only_by_mark" in column.does:
            return Failure("jit_unrecognized_format", "RuntimeError", "Unrecognized data format")
        text = "PytorchStreamReader failed reading zip archive: failed finding central directory"
        return Failure("zip_damaged", "RuntimeError", text)
    failure = archive_fails(file, column)
    if failure:
        return failure
    return scripted_fails(file.checkpoint, host) if has_constants(file) else missing("constants.pkl")


def _forward(file: File, mode: str, host: Host) -> Failure | None:
    """A forward pass, after the load that comes before it."""
    loads = {"forward": "full", "jit_forward": "jit", "export_forward": "export"}[mode]
    if mode == "forward" and "restricted_loader" not in host.column.does:
        loads = "default"
    failure = _fails(file, loads, host)
    if failure or mode != "forward":
        return failure
    return forward_fails(file.checkpoint, host)


# --------------------------------------------------------------------------- verdicts


def _outcome(torch: str, mode: str, importable: bool, failure: Failure | None, column: Column | None) -> LoadOutcome:
    measured = (column.release,) if column else ()
    if failure is None:
        warned = column is not None and mode in {"default", "default_cpu"} and "warns_of_default" in column.does
        return LoadOutcome(
            torch, mode, importable, "loads with warning" if warned else "loads", "ok", measured=measured
        )
    return LoadOutcome(
        torch,
        mode,
        importable,
        _word(failure),
        failure.kind,
        failure.exception,
        failure.message,
        reason(failure, column),
        position=failure.position,
        measured=measured,
    )


def _word(failure: Failure) -> str:
    if failure.kind == "unknown":
        return "unknown"
    refused = failure.kind.startswith("wo_") and not failure.kind.startswith("wo_wrapped")
    return "refused" if refused else "fails"


def _between(torch: str, mode: str, importable: bool, ends: list[tuple[Failure | None, Column]]) -> LoadOutcome:
    """The verdict for a release between two that were measured: theirs when they agree, else nobody knows."""
    below, above = [_outcome(torch, mode, importable, failure, column) for failure, column in ends]
    measured = below.measured + above.measured
    if below.loads == above.loads and "unknown" not in {below.outcome, above.outcome}:
        return above._replace(measured=measured)
    lower, upper = ends[0][1].release, ends[1][1].release
    says = f"torch {lower} {_does(below.loads)}, {upper} {_does(above.loads)}"
    return _outcome(torch, mode, importable, unknown(f"what lies between: {says}"), None)._replace(measured=measured)


def _allow(found: Cure | None, otherwise: str) -> str:
    """The fix for what allowing names may help against."""
    if found is None or not found.names:
        return otherwise
    if found.why_not:
        return f"{otherwise}; `safe_globals` does not help: {found.why_not}"
    listed = ", ".join(found.names[:_MOST_NAMES]) + (", …" if len(found.names) > _MOST_NAMES else "")
    return f"if you trust them, allow `torch.serialization.safe_globals([{listed}])`"


def _does(loads: bool) -> str:
    return "loads it" if loads else "does not load it"


def _outside(torch: str) -> str:
    known = columns()
    if parse(torch) is None:
        return f"what torch {torch} is: that is no version"
    return f"torch {torch}: the tables reach from {known[0].release} to {known[-1].release}"


@cache
def _version(text: str | None, default: Key) -> Key:
    return (text and parse(text)) or default
