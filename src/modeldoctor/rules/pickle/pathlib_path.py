"""MDR209: pathlib objects, which belong to one kind of system."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.environment import Target
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.pickle._uses import Use, at, unpickled, uses
from modeldoctor.wording import listing

_WINDOWS_NAMES = ("win", "nt")


@rule(
    Checkpoint,
    code="MDR209",
    slug="pathlib-path",
    severity=Severity.WARNING,
    since="0.1",
    summary="the pickle holds pathlib paths, which do not load on every system or Python",
)
def pathlib_path(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """A `pathlib.Path` was saved: it loads on the kind of system that wrote it, and not always in an older Python.

    ## What it finds
    * `pathlib.PosixPath`, written on Linux or macOS: fails on Windows,
    * `pathlib.WindowsPath`, written on Windows: fails everywhere else,
    * `pathlib._local.*`, written by Python 3.13: the module is missing in every older Python.

    Without a known target the first is only an info, as most services run on Linux.

    ## Why it matters
    Paths come along with arguments and settings (`opt`, `args`, `save_dir`) that nobody needs when serving, and the
    whole file fails for them. torch's restricted loader, the default since 2.6, refuses them on every system.

    ## Seen as
    * `NotImplementedError: cannot instantiate 'PosixPath' on your system` (Python up to 3.12)
    * `pathlib._abc.UnsupportedOperation: cannot instantiate 'WindowsPath' on your system` (3.13)
    * `ModuleNotFoundError: No module named 'pathlib._local'; 'pathlib' is not a package` (3.12 and older)

    ## Fix
    Save texts instead of paths, or only the state_dict:

    ```python
    args = {key: str(value) if isinstance(value, pathlib.PurePath) else value for key, value in vars(args).items()}
    ```

    If the file cannot be written again, load it once where that works and save it anew. On Windows
    `pathlib.PosixPath = pathlib.WindowsPath` before loading makes it work for that process.

    ## References
    * CPython, `Lib/pathlib/_local.py` (3.13 only; 3.14 keeps the module for such files)
    * https://github.com/ultralytics/yolov5/issues/10240
    """
    every = uses(checkpoint, context) if unpickled(checkpoint) else []
    found = [use for use in every if use.module in {"pathlib", "pathlib._local"} and use.name.endswith("Path")]
    answers = [(use, _verdict(use, context.target)) for use in found]
    for wanted in (Severity.ERROR, Severity.WARNING, Severity.INFO):
        hits = [(use, verdict) for use, verdict in answers if verdict is not None and verdict[0] is wanted]
        if hits:
            first, (_, what, seen_as) = hits[0][0], hits[0][1] or (wanted, "", "")
            paths = [path for use, _ in hits for path in use.entry.paths]
            yield Hit(
                f"the pickle holds {listing([first.full])} objects: {what}",
                where=at(checkpoint, first.pickle, first.entry.position),
                severity=wanted,
                fix="save paths as texts (`str(path)`), or only the state_dict",
                notes=(*((("at", listing(paths)),) if paths else ()), ("seen as", seen_as)),
                key=first.full,
            )
            return


def _verdict(use: Use, target: Target) -> tuple[Severity, str, str] | None:
    """How bad, what happens, and the error; None when it loads in the target."""
    if use.module == "pathlib._local" and (target.python is None or target.python.release[:2] < (3, 13)):
        seen_as = "ModuleNotFoundError: No module named 'pathlib._local'; 'pathlib' is not a package"
        if target.python is None:
            return Severity.WARNING, "written by Python 3.13, unreadable in 3.12 and older", seen_as
        return Severity.ERROR, f"written by Python 3.13, unreadable in Python {target.python.text}", seen_as
    if use.name.startswith("Pure"):
        return None
    seen_as = f"NotImplementedError: cannot instantiate {use.name!r} on your system"
    windows = target.platform and target.platform.text.lower().startswith(_WINDOWS_NAMES)
    if use.name == "WindowsPath":
        if windows:
            return None
        known = target.platform is not None
        return Severity.ERROR if known else Severity.WARNING, "written on Windows, unreadable elsewhere", seen_as
    if target.platform is not None and not windows:
        return None
    return Severity.ERROR if windows else Severity.INFO, "unreadable on Windows", seen_as
