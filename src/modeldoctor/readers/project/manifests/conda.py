"""conda: environment.yml, package lists (`conda list --export`), conda-lock, and specs on a command line."""

import re

from modeldoctor.facts.pins import Flaw, Index, Manifest, Pin, Step
from modeldoctor.readers.project.manifests import requirements, yaml_nodes
from modeldoctor.readers.project.manifests.entries import canonical, variant_of
from modeldoctor.readers.project.manifests.text import MAX_ENTRIES
from modeldoctor.readers.project.manifests.yaml_nodes import Node

# Names that conda gives to what the registry calls otherwise.
_NAMES = {"pytorch": "torch", "pytorch-cpu": "torch", "pytorch-gpu": "torch", "torchvision-cpu": "torchvision"}
# Packages that state a CUDA version or its absence instead of being libraries one imports.
_CUDA = {"pytorch-cuda", "cudatoolkit", "cuda-version", "cuda-toolkit", "cuda"}
# Longer ones are no specs.
MAX_SPEC = 300
_SPEC = re.compile(
    r"(?:([\w./-]+)(?:/[\w-]+)?::)?([A-Za-z_][\w.-]*?)\s*(?:\[([^\]]*)\])?\s*((?:[=<>!~]|(?<=\s)[\d*|]).*)?$"
)
_BUILD_CUDA = re.compile(r"cu(?:da)?_?(\d{1,2})\.?(\d)(?:[._]|(?![\d]))")

# `conda list --export` (`name=1.0=build`) and `conda list --explicit` (URLs), often named requirements.txt.
_LIST = re.compile(r"#.*\bconda create\b|^@EXPLICIT|^#\s*platform:", re.MULTILINE)
_LIST_LINE = re.compile(r"[A-Za-z_][\w.-]*=[\w.!]+=\w+$")
_LIST_URL = re.compile(r"https?://\S+/([A-Za-z_][\w.-]*)-([\w.!]+)-(\w+)\.(?:conda|tar\.bz2)")


def is_list(text: str) -> bool:
    """Whether a text file is a list that conda wrote."""
    lines = [line.strip() for line in text[:4000].splitlines() if line.strip() and not line.startswith("#")][:5]
    return bool(_LIST.search(text[:2000])) or (bool(lines) and all(_LIST_LINE.match(line) for line in lines))


def read_environment(text: str, path: str) -> Manifest:
    """The manifest of an environment.yml."""
    flaws: list[Flaw] = []
    if "dependencies" not in text:  # some other file of that name
        return Manifest(path, "conda")
    roots = yaml_nodes.documents(text, path, flaws)
    pins: list[Pin] = []
    indexes: list[Index] = []
    pip: Manifest | None = None
    root = roots[0] if roots else Node(1)
    for node in root.each("dependencies")[:MAX_ENTRIES]:
        if node.text is not None:
            pins.extend(spec(node.text, path, node.line))
        elif (inner := node.get("pip")) is not None:
            pip = _pip(inner.items or [], path)
    indexes += [Index(node.text or "", "channel", path, node.line) for node in root.each("channels")]
    state = "understood" if not flaws else "partly understood" if pins else "not understood"
    step = Step("conda", path, None, tuple(pins), tuple(indexes))
    steps = (pip.step,) if pip is not None and pip.step is not None else ()
    return Manifest(path, "conda", state, step, steps, flaws=(*flaws, *(pip.flaws if pip else ())))


def _pip(nodes: list[Node], path: str) -> Manifest:
    """The `pip:` part: lines of a requirement file, each at its place in the YAML."""
    lines: dict[int, str] = {}
    for node in nodes:
        lines[node.line] = (node.text or "").replace("\n", " ")
    text = "\n".join(lines.get(number, "") for number in range(1, max(lines, default=0) + 1))
    return requirements.read(text, path)


def read_list(text: str, path: str) -> Manifest:
    """The manifest of a list that conda wrote."""
    pins: list[Pin] = []
    for number, line in enumerate(text.splitlines(), 1):
        found = _LIST_URL.match(line)
        parts = [found[1], found[2], found[3]] if found else line.strip().split("=")
        if line.startswith("#") or len(parts) != 3 or len(pins) >= MAX_ENTRIES:
            continue
        if parts[2].startswith("pypi"):
            pin = Pin(canonical(parts[0]), f"=={parts[1]}", line.strip(), path, number, parts[1], variant_of(parts[1]))
            pins.append(pin._replace(role="locked"))
        else:
            pins.extend(pin._replace(role="locked") for pin in spec(f"{parts[0]}={parts[1]}={parts[2]}", path, number))
    return Manifest(path, "conda", "understood", Step("conda", path, None, tuple(pins)))


def read_lock(text: str, path: str) -> Manifest:
    """The manifest of a conda-lock.yml: `- name: …` blocks as the tool writes them; the first platform counts."""
    pins: list[Pin] = []
    seen: set[tuple[str, str]] = set()
    row: dict[str, str] = {}
    start = 0
    for number, line in enumerate([*text.splitlines(), "- end"], 1):
        if line.startswith("- "):
            if row.get("name") and row.get("version") and (row["name"], row.get("manager", "")) not in seen:
                seen.add((row["name"], row.get("manager", "")))
                pins.extend(_locked(row, path, start))
            row, start = {}, number
            line = f"  {line[2:]}"  # noqa: PLW2901 - the first key of a block stands behind its dash
        key, colon, value = line.strip().partition(": ")
        if colon and line.startswith("  ") and not line.startswith("   "):
            row[key] = value.strip("'\" ")
            start = number if key == "version" else start
        if len(pins) >= MAX_ENTRIES:
            break
    state = "understood" if pins else "not understood"
    return Manifest(path, "conda-lock", state, Step("conda", path, None, tuple(pins)))


def _locked(row: dict[str, str], path: str, line: int) -> list[Pin]:
    if row.get("manager") == "pip":
        version = row["version"]
        text = f"{row['name']} {version}"
        return [
            Pin(canonical(row["name"]), f"=={version}", text, path, line, version, variant_of(version), role="locked")
        ]
    pins = spec(f"{row['name']}={row['version']}={row.get('build', '')}".rstrip("="), path, line)
    return [pin._replace(role="locked") for pin in pins]


def spec(text: str, path: str, line: int | None) -> list[Pin]:
    """The pins of a conda match spec: `pytorch::pytorch=2.1.0=py3.10_cuda11.8_cudnn8.7.0_0`, `pytorch-cuda=11.8`."""
    bare = text[:MAX_SPEC].split(" #", 1)[0].strip().strip("\"'")
    found = _SPEC.match(bare)
    if found is None:
        return []
    name = canonical(found[2])
    version, build = _split(found[4] or "")
    if name == "cpuonly":
        return [Pin("cuda", "", text, path, line, version="cpu", variant="cpu", manager="conda")]
    if name in _CUDA:
        release = re.match(r"\D*(\d+(?:\.\d+)?)", version)
        return [
            Pin(
                "cuda",
                _specifier(version) or "",
                text,
                path,
                line,
                version=release[1] if release else "",
                manager="conda",
            )
        ]
    specifier = _specifier(version)
    variant = "cpu" if name.endswith("-cpu") or "cpu" in build else ""
    if cuda := _BUILD_CUDA.search(build):
        variant = f"cu{cuda[1]}{cuda[2]}"
    return [
        Pin(
            name=_NAMES.get(name, name),
            specifier=specifier or "",
            text=text,
            path=path,
            line=line,
            version=_exact(specifier or ""),
            variant=variant,
            origin=found[1] or "",
            manager="conda",
            flaw="" if specifier is not None else f"`{version}` is no version",
        )
    ]


def _split(text: str) -> tuple[str, str]:
    """Version and build of what stands behind the name: `=2.1.0=py3.10_0`, ` 2.1.* py39_0`, `>=2,<3`."""
    text = text.strip()
    if text.startswith("=") and not text.startswith("=="):
        version, _, build = text[1:].partition("=")
        return (f"={version}" if not build else f"=={version}"), build
    parts = text.split()
    if len(parts) == 2 and not parts[0].endswith((",", "|", ">", "<", "=")):
        return parts[0], parts[1]
    if text.startswith("==") and text.count("=") == 3:
        version, _, build = text[2:].partition("=")
        return f"=={version}", build
    return text.replace(" ", ""), ""


def _specifier(version: str) -> str | None:
    """PEP 440 text of a conda version spec; None when it isn't one. Of alternatives (`|`), the last."""
    if version in {"", "*", "=*"}:
        return ""
    clauses = []
    for clause in version.rsplit("|", 1)[-1].split(","):
        found = re.match(r"(===?|!=|>=|<=|~=|>|<|=)?\s*(\d[\w.!+]*?)(\.?\*)?$", clause.strip())
        if found is None:
            return None
        operator, release, star = found[1] or "", found[2], found[3]
        # `=2.1` and `2.1.*` mean any 2.1; `2.1.0` and `==2.1.0` that very one.
        if operator == "=" or star:
            operator = "!=" if operator == "!=" else "==" if operator in {"", "=", "=="} else operator
            clauses.append(f"{operator}{release}.*" if operator in {"==", "!="} else f"{operator}{release}")
        else:
            clauses.append(f"{operator or '=='}{release}")
    return ",".join(clauses)


def _exact(specifier: str) -> str:
    found = re.fullmatch(r"==([^,*]+)", specifier)
    if found:
        return found[1]
    # `pytorch=2.1.0` is a prefix match, but three numbers name one release.
    found = re.fullmatch(r"==(\d+\.\d+\.\d+)\.\*", specifier)
    return found[1] if found else ""
