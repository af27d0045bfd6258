"""Manifests → installations: which steps fill one environment, and which environment is meant to serve."""

import posixpath
import re
from collections.abc import Iterator
from typing import Protocol

from modeldoctor.facts.pins import Flaw, Image, Include, Installation, Manifest, Pin, Requirements, Step
from modeldoctor.readers.project.manifests.entries import specifier_set

MAX_GROUPS = 20
MAX_INCLUDES = 100

LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pipfile.lock", "pylock")
_PACKAGE = ("pyproject.toml", "setup.cfg", "setup.py")
# What each tool installs when it installs a project, in the order it looks.
_OWN = {
    "pip": _PACKAGE,
    "uv": ("uv.lock", *_PACKAGE),
    "poetry": ("poetry.lock", "pyproject.toml"),
    "pdm": ("pdm.lock", "pyproject.toml"),
    "pipenv": ("Pipfile.lock", "Pipfile"),
}
# Folders and names of what does not serve: tests, examples, training, other people's code.
_ASIDE = re.compile(
    r"(?:^|[/_.-])(?:tests?|testing|examples?|samples?|demos?|docs?|dev|develop|lint|ci|train|training|notebooks?|bench"
    r"marks?|third_?party|vendor|external|extern|submodules?|contrib|scripts|tools|devcontainer|legacy|old|archive)"
    r"(?=$|[/_.-])",
    re.IGNORECASE,
)
_TORCH = {"torch", "torchvision", "torchaudio"}
# What implies torch although it is not named.
_IMPLIES = {"vllm", "xformers", "accelerate", "lightning", "pytorch-lightning", "timm", "ultralytics", "fastai",
            "sentence-transformers", "bitsandbytes", "flash-attn", "torchserve", "open-clip-torch"}  # fmt: skip


class Source(Protocol):
    """Where manifests come from."""

    flaws: list[Flaw]
    shown: str
    single: bool
    paths: list[str]

    def read(self, path: str, kind: str = "requirements") -> Manifest | None:
        """The manifest at a path relative to the root; `kind` counts when its name says none."""

    def named(self, path: str) -> str:
        """A path as reports print it."""


def assemble(source: Source) -> Requirements:
    """Everything that the manifests of a source add up to."""
    return _Assembler(source).requirements()


class _Assembler:
    """The state while manifests are joined."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.flaws = list(source.flaws)
        self.manifests: dict[str, Manifest] = {}
        for path in source.paths:
            manifest = source.read(path)
            if manifest is not None:
                self.manifests[path] = manifest._replace(aside=bool(_ASIDE.search(path)))
        self.used: set[str] = set()

    def requirements(self) -> Requirements:
        """The facts."""
        builders: list[tuple[str, Builder]] = [
            ("dockerfile", self.container),
            ("conda-lock", self.whole),
            ("conda", self.whole),
            *((name, self.lock) for name in LOCKS),
            ("shell", self.script),
            ("requirements", self.requirement_file),
            *((name, self.package) for name in ("pyproject", "pipfile", "setup.cfg", "setup.py")),
        ]
        found = [installation for kind, build in builders for installation in self.of_kind(kind, build)]
        found.sort(key=lambda installation: installation.rank)
        manifests = tuple(manifest for manifest in self.manifests.values() if _says_something(manifest))
        return Requirements(self.source.shown, manifests, tuple(found), tuple(self.flaws))

    def of_kind(self, kind: str, build: "Builder") -> Iterator[Installation]:
        """The installations that manifests of one kind begin, without those that say nothing of packages."""
        for path, manifest in list(self.manifests.items()):
            if manifest.kind != kind or path in self.used:
                continue
            for installation in build(path, manifest):
                if installation.steps or installation.image:
                    yield installation

    # ------------------------------------------------------------------ what begins an installation

    def container(self, path: str, manifest: Manifest) -> Iterator[Installation]:
        """The final stage of a Dockerfile."""
        image = manifest.image
        files = [path]
        steps = [self.filled(step, path, files) for step in manifest.steps]
        if image is None or not (steps or image.torch or image.cuda or image.family.startswith(("pytorch", "nvcr"))):
            return
        self.used.update(files)
        yield self.installation(path, "dockerfile", steps, files, image)

    def whole(self, path: str, manifest: Manifest) -> Iterator[Installation]:
        """A manifest that names a whole environment: conda's."""
        steps = [step for step in (manifest.step, *manifest.steps) if step and (step.pins or step.includes)]
        files = [path]
        steps = [self.filled(step, path, files) for step in steps]
        self.used.update(files)
        yield self.installation(path, manifest.kind, steps, files)

    def lock(self, path: str, manifest: Manifest) -> Iterator[Installation]:
        """A lock file, with the manifest it belongs to."""
        if manifest.step is None:
            return
        own = "Pipfile" if manifest.kind == "pipfile.lock" else "pyproject.toml"
        beside = posixpath.join(posixpath.dirname(path), own)
        files = [path]
        step = manifest.step
        if beside in self.manifests and (inner := self.manifests[beside].step):
            files.append(beside)
            step = step._replace(options=step.options + inner.options)
        self.used.update(files)
        if any(pin.name != "python" for pin in step.pins):
            yield from self.grouped(path, "lock", step, files)

    def script(self, path: str, manifest: Manifest) -> Iterator[Installation]:
        """An install script, when it installs torch or what needs it."""
        files = [path]
        steps = [self.filled(step, path, files) for step in manifest.steps]
        if any(pin.name in _TORCH for step in manifest.steps for pin in step.pins):
            yield self.installation(path, "shell", steps, files)

    def requirement_file(self, path: str, manifest: Manifest) -> Iterator[Installation]:
        """A requirement file that no other one includes."""
        includers = {other for other in self.manifests if other != path and path in self.includes_of(other)}
        if manifest.step is None or includers - self.below(path):
            return
        files = [path]
        step = self.filled(manifest.step, path, files)
        yield self.installation(path, "requirements", [step], files)

    def package(self, path: str, manifest: Manifest) -> Iterator[Installation]:
        """A project's own dependencies: the main ones, and those with each extra or group that names torch."""
        step = manifest.step
        if step is None or (manifest.kind != "pyproject" and self.shadowed(path)):
            return
        yield from self.grouped(path, manifest.kind, step, [path])

    def grouped(self, path: str, kind: str, step: Step, files: list[str]) -> Iterator[Installation]:
        """What a manifest installs by itself, and with each extra or group that names torch."""
        main = tuple(pin for pin in step.pins if not pin.group)
        if any(pin.name != "python" for pin in main):
            yield self.installation(path, kind, [step._replace(pins=main)], files)
        groups = dict.fromkeys(pin.group for pin in step.pins if pin.group and pin.name in _TORCH)
        for group in list(groups)[:MAX_GROUPS]:
            pins = (*main, *(pin for pin in step.pins if pin.group == group))
            found = self.installation(path, kind, [step._replace(pins=pins)], files)
            yield found._replace(name=f"{found.name}[{group}]", rank=(found.rank[0], 1, *found.rank[2:]))

    def shadowed(self, path: str) -> bool:
        """setup.py beside a pyproject.toml that names the dependencies itself."""
        beside = self.manifests.get(posixpath.join(posixpath.dirname(path), "pyproject.toml"))
        return bool(beside and beside.step and any(pin.name != "python" for pin in beside.step.pins))

    # ------------------------------------------------------------------ joining

    def installation(
        self, path: str, kind: str, steps: list[Step], files: list[str], image: Image | None = None
    ) -> Installation:
        """One installation with its rank and what is known of its interpreter."""
        torch = any(pin.name in _TORCH | _IMPLIES for step in steps for pin in step.pins)
        order = {"dockerfile": 0, "lock": 1, "conda-lock": 1, "shell": 3}.get(kind, 2)
        rank = (
            0 if torch or (image and image.torch) else 1,
            1 if _ASIDE.search(path) else 0,
            order,
            path.count("/"),
            len(posixpath.basename(path)),
        )
        pythons = [pin for step in reversed(steps) for pin in step.pins if pin.name == "python"]
        if image and image.python:
            pythons.append(_python_of(image))
        if kind != "dockerfile" or not any(pin.specifier for pin in pythons):
            pythons += self.interpreters(path, kind)
        named = tuple(self.source.named(file) for file in files)
        return Installation(self.source.named(path), kind, rank, tuple(steps), image, tuple(pythons), named)

    def interpreters(self, path: str, kind: str) -> list[Pin]:
        """Statements about Python beside a manifest: version files in its folder and above, then ranges, then CI."""
        folders = list(_upwards(posixpath.dirname(path)))
        found: list[Pin] = []
        if kind != "dockerfile":
            for folder in folders:
                for name in (".python-version", "runtime.txt", ".tool-versions", "mise.toml", ".mise.toml"):
                    found += self.python_of(posixpath.join(folder, name))
        for folder in folders:
            for name in ("pyproject.toml", "setup.cfg", "setup.py", "Pipfile"):
                found += self.python_of(posixpath.join(folder, name))
        for manifest in self.manifests.values():
            if manifest.kind == "ci" and manifest.step:
                found += [pin._replace(role="ci") for pin in manifest.step.pins]
        return found

    def python_of(self, path: str) -> list[Pin]:
        """What one file says of the interpreter."""
        manifest = self.manifests.get(path)
        pins = manifest.step.pins if manifest and manifest.step else ()
        return [pin for pin in pins if pin.name == "python" and not pin.group]

    def filled(self, step: Step, base: str, files: list[str]) -> Step:
        """A step with the pins of every file that it names; `files` collects those."""
        todo = [(include, base) for include in step.includes]
        if step.project:
            step = self.with_project(step, base, files)
        seen = {base}
        for _ in range(MAX_INCLUDES):
            if not todo:
                break
            include, origin = todo.pop(0)
            path = self.target(include, origin)
            if path is None:
                continue
            if path in seen:
                self.loop(include, origin, path)
                continue
            seen.add(path)
            manifest = self.manifests.get(path) or self.source.read(path, _kind(include))
            if manifest is None or manifest.step is None:
                continue
            self.manifests.setdefault(path, manifest)
            files.append(path)
            step = _merged(step, manifest, constraints=include.constraints)
            todo += [(inner, path) for inner in manifest.step.includes]
        return step

    def loop(self, include: Include, origin: str, path: str) -> None:
        """A file that includes itself over others; a file that is only included twice is none."""
        if origin not in self.below(path) and origin != path:
            return
        known = {flaw.path for flaw in self.flaws if flaw.kind == "loop"}
        if not known & {self.source.named(other) for other in self.below(path)}:
            message = f"`{include.target}` includes this file again; pip stops there"
            self.flaws.append(Flaw("loop", message, include.path, include.line, fatal=True))

    def below(self, path: str) -> set[str]:
        """The files that a file includes, directly or not."""
        found: set[str] = set()
        more = self.includes_of(path)
        while more:
            found |= more
            more = {inner for other in more for inner in self.includes_of(other)} - found
        return found

    def includes_of(self, path: str) -> set[str]:
        """The files that a manifest includes."""
        step = self.manifests[path].step if path in self.manifests else None
        found = (self.target(include, path, quiet=True) for include in (step.includes if step else ()))
        return {target for target in found if target}

    def target(self, include: Include, origin: str, *, quiet: bool = False) -> str | None:
        """The file that an include means; a Dockerfile names it as it lies in the image, so its name has to do."""
        name = include.target.replace("\\", "/")
        if "://" in name or "$" in name or not name:
            return None
        folder = posixpath.dirname(origin)
        direct = posixpath.normpath(posixpath.join(folder, name))
        if direct in self.manifests or self.source.read(direct, _kind(include)):
            return direct
        if self.manifests[origin].kind in {"dockerfile", "shell"} if origin in self.manifests else False:
            return self.by_name(posixpath.basename(name), folder)
        if not quiet:
            flaw = Flaw("missing", f"includes `{name}`, which does not exist", include.path, include.line, fatal=True)
            if flaw not in self.flaws:
                self.flaws.append(flaw)
        return None

    def by_name(self, name: str, folder: str) -> str | None:
        """The manifest of this name that lies nearest to a folder."""
        found = [path for path in self.manifests if posixpath.basename(path) == name]
        return min(found, key=lambda path: (-_shared(path, folder), path.count("/"), path), default=None)

    def with_project(self, step: Step, base: str, files: list[str]) -> Step:
        """A step that installs a project: with what its lock or its own manifest asks."""
        folder = posixpath.dirname(base)
        place = re.split(r"[\[;]", step.project)[0].strip()
        chosen = set(re.findall(r"[\w.-]+", step.project.partition("[")[2])) | set(_groups(step))
        for where in dict.fromkeys((posixpath.normpath(posixpath.join(folder, place)), folder, "")):
            for name in _OWN.get(step.tool, _OWN["pip"]):
                path = posixpath.join(where, name) if where not in {".", ""} else name
                manifest = self.manifests.get(path)
                if manifest is None or manifest.step is None:
                    continue
                if not any(pin.name != "python" for pin in manifest.step.pins):
                    continue
                files += [
                    path,
                    *(
                        own
                        for own in (posixpath.normpath(posixpath.join(where, "pyproject.toml")),)
                        if own in self.manifests
                    ),
                ]
                pins = tuple(
                    pin for pin in manifest.step.pins
                    if pin.name != "python" and (not pin.group or pin.group in chosen or "all-extras" in step.options)
                )  # fmt: skip
                own = self.manifests.get(posixpath.normpath(posixpath.join(where, "pyproject.toml")))
                if own and own.step and own is not manifest:
                    pins = _narrowed(pins, own.step.pins, chosen)
                inner = manifest.step._replace(pins=pins)
                if step.tool == "pip":  # pip reads the dependencies of a project, not the indexes of another tool
                    inner = inner._replace(indexes=(), options=())
                return _merged(step, manifest._replace(step=inner), constraints=False)
        return step


class Builder(Protocol):
    """Makes the installations that begin with one manifest."""

    def __call__(self, path: str, manifest: Manifest) -> Iterator[Installation]:
        """The installations."""


def _python_of(image: Image) -> Pin:
    """The interpreter that an image brings."""
    dots = image.python.count(".")
    specifier = f"=={image.python}" if dots == 2 else f"=={image.python}.*" if dots else f">={image.python}"
    return Pin("python", specifier, image.reference, image.path, image.line)


def _narrowed(pins: tuple[Pin, ...], own: tuple[Pin, ...], chosen: set[str]) -> tuple[Pin, ...]:
    """Of several locked versions of a package, those that the chosen extras of the project ask for."""
    names = [pin.name for pin in pins]
    asked = {pin.name: pin.specifier for pin in own if pin.group in chosen and pin.group and pin.specifier}
    kept = []
    for pin in pins:
        wanted = specifier_set(asked.get(pin.name, "")) if names.count(pin.name) > 1 else None
        if wanted is None or wanted.contains(pin.version, prereleases=True):
            kept.append(pin)
    return tuple(kept)


def _kind(include: Include) -> str:
    return "constraints" if include.constraints else "requirements"


def _groups(step: Step) -> list[str]:
    return [text.partition("=")[2] for text in step.options if text.startswith("groups=")]


def _merged(step: Step, manifest: Manifest, *, constraints: bool) -> Step:
    """A step that also asks for what a manifest asks."""
    inner = manifest.step
    if inner is None:
        return step
    pins = inner.pins
    if constraints:
        pins = tuple(pin._replace(role="constraint") for pin in pins)
    return step._replace(
        pins=step.pins + pins,
        indexes=step.indexes + inner.indexes,
        options=tuple(dict.fromkeys(step.options + inner.options)),
    )


def _says_something(manifest: Manifest) -> bool:
    return bool(manifest.step or manifest.steps or manifest.image or manifest.flaws)


def _upwards(folder: str) -> Iterator[str]:
    while True:
        yield folder
        if not folder:
            return
        folder = posixpath.dirname(folder)


def _shared(path: str, folder: str) -> int:
    """How many leading folders two paths share."""
    count = 0
    for left, right in zip(path.split("/")[:-1], folder.split("/"), strict=False):
        if left != right:
            break
        count += 1
    return count
