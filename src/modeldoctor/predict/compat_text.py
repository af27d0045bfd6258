"""A change of torch as lines to paste, in the form that a project uses."""

import re

from modeldoctor.facts.pins import Pin
from modeldoctor.facts.skew import Environment
from modeldoctor.predict import compat
from modeldoctor.predict.compat import Platform
from modeldoctor.predict.compat_fix import Change
from modeldoctor.predict.compat_index import BUILT, variant_of_url

# Where the builds are that the default registry does not have.
PYTORCH_INDEX = "https://download.pytorch.org/whl"
# The official channel ends with this minor (pytorch/pytorch issue 138506).
LAST_CONDA = (2, 5)


def advice(environment: Environment, change: Change) -> str:
    """What to write, as one sentence; the form follows from where torch is pinned."""
    form = form_of(environment)
    packages = packages_of(environment, change)
    writers = {"requirements": _requirements, "uv": _uv, "poetry": _poetry, "conda": _conda, "dockerfile": _dockerfile}
    text = writers[form](environment, change, packages)
    if change.driver:
        return f"{text}, and update the driver to {change.driver} or newer"
    return text


def form_of(environment: Environment) -> str:
    """`requirements`, `uv`, `poetry`, `conda` or `dockerfile`."""
    torch = environment.torch
    pin = next((pin for pin in torch.pins if pin.role != "installed"), None) if torch else None
    step = torch.step if torch else None
    if pin is not None and pin.manager in {"poetry", "conda"}:
        return pin.manager
    path = pin.path if pin else environment.name
    if path.endswith((".toml", ".lock")):
        return "uv" if (step and step.tool == "uv") or path.endswith("uv.lock") else "requirements"
    installation = environment.installation
    if re.search(r"\.sh$|dockerfile", path, re.IGNORECASE) and installation.kind in {"dockerfile", "shell"}:
        return "dockerfile"
    return "requirements"


def packages_of(environment: Environment, change: Change) -> list[tuple[str, str]]:
    """The torch of a change and what has to stand beside it, with their versions."""
    changed = dict(change.companions)
    found = [("torch", change.torch)]
    for name in (*BUILT[1:], *changed):
        package = environment.packages.get(name)
        version = changed.get(name) or (package.version if package else "")
        if version and name not in dict(found):
            found.append((name, version))
    return found


def index_url(environment: Environment, variant: str) -> str:
    """The index of a build: on the mirror that the project uses already, else PyTorch's own."""
    for step in environment.installation.steps:
        for index in step.indexes:
            have = variant_of_url(index.url)
            if have and have != "*" and "/whl/" in index.url:
                return re.sub(r"/whl/(?:[^/]+/)*?" + re.escape(have) + r"\b.*", f"/whl/{variant}", index.url)
    return f"{PYTORCH_INDEX}/{variant}"


def _lines(environment: Environment, change: Change, packages: list[tuple[str, str]]) -> str:
    """Requirement lines, with an index and local versions where the build is not the default one."""
    local = f"+{change.variant}" if change.variant else ""
    lines = [f"{name}=={version}{local if name in BUILT else ''}" for name, version in packages]
    if change.variant:
        lines.insert(0, f"--extra-index-url {index_url(environment, change.variant)}")
    return " / ".join(f"`{line}`" for line in lines)


def _requirements(environment: Environment, change: Change, packages: list[tuple[str, str]]) -> str:
    return f"write {_lines(environment, change, packages)}"


def _dockerfile(environment: Environment, change: Change, packages: list[tuple[str, str]]) -> str:
    builds = [f"{name}=={version}" for name, version in packages if name in BUILT]
    others = [f"{name}=={version}" for name, version in packages if name not in BUILT]
    if not change.variant:
        return f"write `pip install {' '.join(builds + others)}`"
    text = f"write `pip install {' '.join(builds)} --index-url {index_url(environment, change.variant)}`"
    return f"{text} and `pip install {' '.join(others)}`" if others else text


def _uv(environment: Environment, change: Change, packages: list[tuple[str, str]]) -> str:
    pins = ", ".join(f'"{name}=={version}"' for name, version in packages)
    if not change.variant:
        return f"write `dependencies = [{pins}]` and run `uv lock`"
    name = f"pytorch-{change.variant}"
    builds = [package for package, _ in packages if package in BUILT]
    sources = " / ".join(f'`{package} = {{ index = "{name}" }}`' for package in builds)
    url = index_url(environment, change.variant)
    index = f'`[[tool.uv.index]]` / `name = "{name}"` / `url = "{url}"` / `explicit = true`'
    return f"write `dependencies = [{pins}]`, {index}, and under `[tool.uv.sources]` {sources}; then run `uv lock`"


def _poetry(environment: Environment, change: Change, packages: list[tuple[str, str]]) -> str:
    if not change.variant:
        return "run `poetry add " + " ".join(f"{name}=={version}" for name, version in packages) + "`"
    source = f"pytorch-{change.variant}"
    add = f"poetry source add --priority explicit {source} {index_url(environment, change.variant)}"
    builds = " ".join(f"{name}=={version}+{change.variant}" for name, version in packages if name in BUILT)
    return f"run `{add}` and `poetry add --source {source} {builds}`"


def _conda(environment: Environment, change: Change, packages: list[tuple[str, str]]) -> str:
    release = compat.release(change.torch)
    numbers = tuple(int(part) for part in change.torch.split(".")[:2])
    if release is None or numbers > LAST_CONDA:
        return f"the conda channel ends with torch 2.5: write under `pip:` {_lines(environment, change, packages)}"
    variant = change.variant or compat.default_variant(release, Platform(environment.system, environment.machine))
    # The label package pytorch-cuda exists from torch 1.13 on; before it was the toolkit itself.
    label = "pytorch-cuda" if numbers >= (1, 13) else "cudatoolkit"
    cuda = "cpuonly" if variant == "cpu" else f"{label}={compat.cuda_of(variant)}"
    names = {"torch": "pytorch"}
    specs = " ".join(f"{names.get(name, name)}=={version}" for name, version in packages)
    return f"write `conda install {specs} {cuda} -c pytorch -c nvidia`"


def changed_pin(pin: Pin, version: str) -> str:
    """A pin with another version, in its own form."""
    local = f"+{pin.variant}" if pin.variant and pin.version.endswith(f"+{pin.variant}") else ""
    if pin.manager == "poetry":
        return f'{pin.name} = "{version}{local}"'
    if pin.manager == "conda":
        name = "pytorch" if pin.name == "torch" else pin.name
        return f"{name}={version}"
    return f"{pin.name}=={version}{local}"
