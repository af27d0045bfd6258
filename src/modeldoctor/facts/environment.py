"""Where the model is going to be loaded: versions and devices, each with the place it was learned from."""

from typing import NamedTuple


class Value(NamedTuple):
    """A version or name (`2.6.0`, `t4`), and its source: `--torch`, `requirements.txt:3`, `Dockerfile:1`.

    kind: `given` (a flag or the configuration), `project`, `interpreter` (`--interpreter`) or `environment` (an active
    one, or `./.venv`). `why` says how the text follows from the source where it isn't written there.
    """

    text: str
    source: str
    kind: str = "given"
    why: str = ""

    @property
    def release(self) -> tuple[int, ...]:
        """The leading numbers of a version, to compare with: `(2, 6, 0)` of `2.6.0+cu124`; `()` of a name."""
        import re

        found = re.match(r"v?(\d{1,9}(?:\.\d{1,9})*)", self.text)
        return tuple(int(part) for part in found[1].split(".")) if found else ()


class Target(NamedTuple):
    """The environment that is judged, never the one this tool is installed in. None: not known.

    `cuda` is the CUDA build of the torch wheel (`12.4`, or `cpu`). `gpus` is None when nothing is known and `()` when
    the host has none.
    """

    torch: Value | None = None
    python: Value | None = None
    numpy: Value | None = None
    cuda: Value | None = None
    driver: Value | None = None
    gpus: tuple[Value, ...] | None = None
    platform: Value | None = None

    @property
    def cpu_only(self) -> bool | None:
        """True when the target has no GPU that torch could use, None when that is not known."""
        if self.cuda is not None and self.cuda.text == "cpu":
            return True
        if self.gpus is None:
            return None
        return not self.gpus


class Installed(NamedTuple):
    """What an environment on disk holds, read from its metadata: nothing of it was run.

    kind: `interpreter` (named by the user), `venv` or `conda` (active, or `./.venv`). `torch` is `torch.__version__`
    with its build (`2.6.0+cu124`), `cuda` that of the build (`12.4`, `cpu`), both `""` when not known. `packages` are
    normalised names with versions; `folders` the site-packages they lie in.
    """

    path: str
    kind: str
    python: str = ""
    torch: str = ""
    cuda: str = ""
    packages: tuple[tuple[str, str], ...] = ()
    folders: tuple[str, ...] = ()
    problem: str = ""

    def version(self, name: str) -> str:
        """The version of a package; `""` when it is not there."""
        return next((version for package, version in self.packages if package == name), "")


class Decision(NamedTuple):
    """How one value of the target was chosen. `others` were found too and lost; `reason` says when nothing was."""

    name: str
    value: Value | None
    others: tuple[Value, ...] = ()
    reason: str = ""
