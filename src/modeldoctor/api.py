"""The public Python API: `modeldoctor.check` and `modeldoctor.inspect`."""

from collections.abc import Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from modeldoctor.facts.checkpoint import Checkpoint
    from modeldoctor.findings import Report

Path: TypeAlias = "str | PathLike[str]"
Paths: TypeAlias = "Path | Sequence[Path]"


def check(
    *paths: Paths,
    select: Sequence[str] = (),
    extend_select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    fail_on: str = "error",
    min_severity: str = "info",
    strict: bool = False,
    allow_empty: bool = False,
    sha256: bool = False,
    trusted_globals: Sequence[str] = (),
    preview: bool = False,
    exclude: Sequence[str] = (),
    loaders: Sequence[str] = (),
    cached_getters: Sequence[str] = (),
    baseline: str | None = None,
    as_of: str | None = None,
    torch: str | None = None,
    python: str | None = None,
    numpy: str | None = None,
    cuda: str | None = None,
    gpu: Sequence[str] | str = (),
    config: str | None = None,
) -> "Report":
    """Examine files, folders and globs as `modeldoctor check` does, without executing what is in them.

    Paths are given one by one or as a list. The options are those of the command. `config` names a configuration file;
    without it none is read. Raises `modeldoctor.errors.UsageError` for an option that makes no sense; what lies in a
    file, and a path that does not exist, is in the report: `Report.findings`, `Report.failures`, `Report.exit_code()`.
    """
    from modeldoctor.config import resolve
    from modeldoctor.engine import run

    flags = {
        "select": list(select), "extend_select": list(extend_select), "ignore": list(ignore), "fail_on": fail_on,
        "min_severity": min_severity, "strict": strict or None, "allow_empty": allow_empty or None,
        "sha256": sha256 or None, "trusted_globals": list(trusted_globals), "preview": preview or None,
        "exclude": list(exclude), "loaders": list(loaders), "cached_getters": list(cached_getters),
        "baseline": baseline, "as_of": as_of, "torch": torch, "python": python,
        "numpy": numpy, "cuda": cuda, "gpu": [gpu] if isinstance(gpu, str) else list(gpu),
    }  # fmt: skip
    listed = [fspath(each) for path in paths for each in ([path] if isinstance(path, (str, PathLike)) else path)]
    return run(tuple(listed), resolve(flags, file=config, search=False))


def inspect(path: str, *, sha256: bool = False) -> "Checkpoint":
    """Read one model file or folder: its format, anatomy, tensors, globals and problems, without judging them.

    Damage is in `Checkpoint.problems`; raises `modeldoctor.errors.UsageError` when there is no such file.
    """
    from modeldoctor.engine import examine
    from modeldoctor.facts.checkpoint import Checkpoint

    facts = examine(path, sha256=sha256).facts
    assert isinstance(facts, Checkpoint)
    return facts
