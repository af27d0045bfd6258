"""What an installation ends up with: one version of each package, one build of torch, one Python."""

from typing import NamedTuple

from modeldoctor.facts.environment import Decision, Target
from modeldoctor.facts.pins import Index, Installation, Pin, Requirements, Step


class Package(NamedTuple):
    """A package in an environment.

    `version` is the public release that gets installed, `""` when it isn't known; `certain` when it is pinned, locked
    or in the image, not when it is the newest that fits today. `specifier` is everything that is asked of it together.
    `pins` are the statements that count, the deciding one first. `variant` is the build (`cu118`, `cpu`), `""` when not
    known; `variant_why` says where it comes from. `step` is the one that installed it, None for
    the image's own. `given`: a flag or the configuration overrides what the project says.
    """

    name: str
    version: str = ""
    specifier: str = ""
    certain: bool = True
    why: str = ""
    pins: tuple[Pin, ...] = ()
    variant: str = ""
    variant_why: str = ""
    step: Step | None = None
    given: bool = False

    @property
    def place(self) -> str:
        """Where it is stated: `requirements.txt:3`; `""` when nothing names it."""
        return self.pins[0].place if self.pins else ""


class Clash(NamedTuple):
    """Why an install step cannot do what it is asked, or does something else.

    kind: `no match` (no release satisfies the specifier), `disagree` (two exact versions of one package in one step),
    `no such build` (the index has no such build of this release), `no index` (a local version without an index that
    could have it), `index without effect` (the index lacks the release, or has older ones only, and the default one
    fills in), `replaced` (a later step or package replaces what was there).
    """

    kind: str
    package: str
    pins: tuple[Pin, ...]
    version: str = ""
    variant: str = ""
    source: Index | None = None
    instead: str = ""


class Environment(NamedTuple):
    """An installation under a target. `system` is `linux`, `windows` or `macos`, `machine` `x86_64` or `aarch64`.

    `assumed` names what was taken for granted because nothing says it: `platform`, `python`. `gpus` is None when
    nothing is known, `()` for a host without one. `cuda_image` is the CUDA of the base image, `glibc` that of its
    system (`musl` for Alpine).
    """

    name: str
    installation: Installation
    python: Package
    packages: dict[str, Package]
    clashes: tuple[Clash, ...] = ()
    system: str = "linux"
    machine: str = "x86_64"
    driver: str = ""
    gpus: tuple[str, ...] | None = None
    cuda_image: str = ""
    glibc: str = ""
    assumed: tuple[str, ...] = ()

    @property
    def torch(self) -> Package | None:
        """The torch that ends up installed."""
        return self.packages.get("torch")


class Skew(NamedTuple):
    """Everything the version rules judge: what the manifests of a folder lead to under the target.

    `environments` come strongest first; the first is taken for the one that serves. `decisions` say how each value of
    `target` was chosen. `tables_age_days` is how long ago the version tables were collected.
    """

    path: str
    requirements: Requirements
    environments: tuple[Environment, ...] = ()
    target: Target = Target()
    decisions: tuple[Decision, ...] = ()
    tables_age_days: int = 0

    @property
    def state(self) -> str:
        """`understood`, `partly understood` or `not understood`, of all manifests together."""
        states = {manifest.state for manifest in self.requirements.manifests}
        if states <= {"understood"}:
            return "understood"
        return "not understood" if states == {"not understood"} else "partly understood"
