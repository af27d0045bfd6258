"""A model file joined with the torch that is going to load it."""

from typing import NamedTuple

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.environment import Target, Value
from modeldoctor.facts.load import LoadOutcome


class Loading(NamedTuple):
    """How the project loads files, where its code or its environment says so; None: it says nothing.

    `weights_only` is what is in force after `TORCH_FORCE_…` variables, `pickle_module` and replacements of
    `torch.load`: `True`, `False`, `both` where two variables exclude each other, or `computed` where nobody can tell,
    with why. `allowed` are names that
    `add_safe_globals` or `safe_globals` allow, `*` for what is computed; `map_location` whether one is given.
    """

    weights_only: Value | None = None
    allowed: tuple[str, ...] = ()
    map_location: bool = False

    @property
    def unknown(self) -> str:
        """Why nobody can tell how the file is loaded; `""` when it is known."""
        if self.weights_only is not None and self.weights_only.text == "computed":
            return f"{self.weights_only.why} ({self.weights_only.source})"
        return "names given to `safe_globals` are computed" if "*" in self.allowed else ""


class Change(NamedTuple):
    """Releases in a row (`2.6 – 2.15`) that do not load the file by default, and what the last of them says."""

    span: str
    outcome: LoadOutcome


class Code(NamedTuple):
    """A module of the project or of a package that the pickle imports, looked for where it is going to be loaded.

    `status`: `found`, `moved` (the names are in `elsewhere` now), `missing`, `no such name` (the module is there
    without them), `not installed` (a package that nothing pins), `shadowed` (a local folder stands in for it).
    `place` is the file and line that the status was read from.
    """

    module: str
    names: tuple[str, ...]
    status: str
    place: str = ""
    elsewhere: str = ""


class Verdict(NamedTuple):
    """What loading the file will give.

    `outcome` is that of the way in force under the target's torch, `full` that with weights_only=False, `forward` that
    of a forward pass afterwards; all None without a target torch. `breaks` are the releases that do not load it as it
    is loaded by default, oldest first; `newest` is the newest release that was judged. `cure` is code to paste.
    `code` is what the pickle imports besides torch, as far as it was looked for.
    """

    path: str
    checkpoint: Checkpoint
    target: Target
    loading: Loading = Loading()
    outcome: LoadOutcome | None = None
    full: LoadOutcome | None = None
    forward: LoadOutcome | None = None
    breaks: tuple[Change, ...] = ()
    newest: str = ""
    cure: tuple[str, str] | None = None
    danger: str = ""
    code: tuple[Code, ...] = ()


class Tables(NamedTuple):
    """The version tables of this tool: the day they were collected (ISO 8601), and the newest torch that they know.

    `path` is the first thing that was judged with them.
    """

    path: str
    as_of: str
    age_days: int
    newest: str
