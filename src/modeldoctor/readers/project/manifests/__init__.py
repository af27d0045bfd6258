"""Files that say what is installed → `Manifest`s. The name of a file decides on its reader, then its content."""

import re
from collections.abc import Callable
from fnmatch import fnmatchcase

from modeldoctor.facts.pins import Flaw, Manifest
from modeldoctor.readers.project.manifests import text as texts

Reader = Callable[[str, str], Manifest]

# By file name, lower case; the first match counts.
KINDS: tuple[tuple[str, str], ...] = (
    ("pyproject.toml", "pyproject"),
    ("setup.py", "setup.py"),
    ("setup.cfg", "setup.cfg"),
    ("pipfile", "pipfile"),
    ("pipfile.lock", "pipfile.lock"),
    ("poetry.lock", "poetry.lock"),
    ("uv.lock", "uv.lock"),
    ("pdm.lock", "pdm.lock"),
    ("pylock.toml", "pylock"),
    ("pylock.*.toml", "pylock"),
    (".python-version", "python-version"),
    ("runtime.txt", "python-version"),
    (".tool-versions", "tool-versions"),
    ("mise.toml", "mise"),
    (".mise.toml", "mise"),
    ("conda-lock.yml", "conda-lock"),
    ("*.conda-lock.yml", "conda-lock"),
    ("dockerfile", "dockerfile"),
    ("dockerfile.*", "dockerfile"),
    ("dockerfile-*", "dockerfile"),
    ("dockerfile_*", "dockerfile"),
    ("*.dockerfile", "dockerfile"),
    ("containerfile", "dockerfile"),
    ("*requirements*.txt", "requirements"),
    ("*requirements*.in", "requirements"),
    ("reqs*.txt", "requirements"),
    ("constraints*.txt", "constraints"),
    ("environment*.yml", "conda"),
    ("environment*.yaml", "conda"),
    ("conda*.yml", "conda"),
    ("conda*.yaml", "conda"),
    ("*environment.yml", "conda"),
    ("*environment.yaml", "conda"),
    ("*-env.yml", "conda"),
    ("*_env.yml", "conda"),
    (".gitlab-ci.yml", "ci"),
    (".travis.yml", "ci"),
    ("azure-pipelines.yml", "ci"),
    ("install*.sh", "shell"),
    ("setup*.sh", "shell"),
    ("*install*.sh", "shell"),
    ("*setup*.sh", "shell"),
)
# Text files in a folder of this name are requirement files too.
_FOLDERS = re.compile(r"(?:^|/)requirements?/[^/]+\.(?:txt|in)$")
_WORKFLOW = re.compile(r"(?:^|/)\.(?:github/workflows|circleci)/[^/]+\.ya?ml$")
# Sources about Dockerfiles, and texts.
_NOT_DOCKERFILES = (".dockerignore", ".md", ".rst", ".txt", ".py", ".js", ".ts", ".go", ".rs", ".java", ".rb", ".bak",
                    ".orig", ".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template", ".erb", ".m4")  # fmt: skip
_LOCKS = {"poetry.lock", "uv.lock", "pdm.lock", "pylock", "pipfile.lock", "conda-lock"}


def kind_of(path: str) -> str:
    """The kind of manifest that a path names, relative to the project; `""` for none."""
    path = path.replace("\\", "/")
    name = path.rsplit("/", 1)[-1].lower()
    if _WORKFLOW.search(path):
        return "ci"
    if name.startswith("dockerfile") and name.endswith(_NOT_DOCKERFILES):
        return ""
    for pattern, kind in KINDS:
        if fnmatchcase(name, pattern):
            return kind
    return "requirements" if _FOLDERS.search(path.lower()) else ""


def read_manifest(path: str, shown: str, kind: str = "") -> Manifest:
    """The manifest in a file. Never raises for what lies in it; a file that cannot be read is `not understood`."""
    kind = kind or kind_of(shown) or "requirements"
    try:
        text, flaws = texts.load(path, shown, texts.MAX_LOCK_BYTES if kind in _LOCKS else texts.MAX_BYTES)
    except OSError as error:
        return Manifest(shown, kind, "not understood", flaws=(Flaw("missing", error.strerror or str(error), shown),))
    manifest = parse(text, shown, kind)
    if not flaws:
        return manifest
    state = "partly understood" if manifest.state == "understood" else manifest.state
    return manifest._replace(flaws=(*flaws, *manifest.flaws), state=state)


def parse(text: str, shown: str, kind: str) -> Manifest:
    """The manifest of a text."""
    if texts.is_binary(text):
        flaw = Flaw("syntax", "is not a text file", shown, fatal=True)
        return Manifest(shown, kind, "not understood", flaws=(flaw,))
    return _reader(kind, text)(text, shown)


def _reader(kind: str, text: str) -> Reader:
    """The function for a kind; modules are imported when a file of that kind is there."""
    from modeldoctor.readers.project.manifests import conda, interpreters, locks, requirements, setup_files

    if kind in {"requirements", "constraints"}:
        if conda.is_list(text):
            return conda.read_list
        return lambda text, path: requirements.read(text, path, constraints=kind == "constraints")
    if kind in {"uv.lock", "poetry.lock", "pdm.lock", "pylock"}:
        return lambda text, path: locks.read_toml(text, path, kind)
    if kind == "pyproject":
        from modeldoctor.readers.project.manifests import pyproject

        return pyproject.read
    if kind == "pipfile":
        from modeldoctor.readers.project.manifests import pipfile

        return pipfile.read
    if kind in {"dockerfile", "shell"}:
        from modeldoctor.readers.project.manifests import dockerfile, scripts

        return dockerfile.read if kind == "dockerfile" else scripts.read
    return {
        "pipfile.lock": locks.read_pipfile_lock,
        "setup.py": setup_files.read_setup_py,
        "setup.cfg": setup_files.read_setup_cfg,
        "conda": conda.read_environment,
        "conda-lock": conda.read_lock,
        "python-version": interpreters.read_plain,
        "tool-versions": interpreters.read_tool_versions,
        "mise": interpreters.read_mise,
        "ci": interpreters.read_ci,
    }[kind]
