"""The texts of an archive as both sides of the server see them: the frontend in Java, the worker in Python."""

import json
import re
from typing import Any

from modeldoctor.errors import ReadError
from modeldoctor.facts.archive import MANIFEST, Document
from modeldoctor.readers.archive import gson

# The aliases of collections that SnakeYAML 2.1 takes: LoaderOptions.maxAliasesForCollections.
MAX_ALIASES = 50
# Nesting that SnakeYAML takes: LoaderOptions.nestingDepthLimit.
MAX_NESTING = 50


def manifest(data: bytes) -> Document:
    """The manifest: Gson in the frontend (ArchiveUtils.readFile), `json.load` in the worker (ts/model_loader.py)."""
    document = _strict(MANIFEST, data)
    text = data.decode("utf-8", "replace")
    try:
        document = document._replace(frontend=gson.parse(text))
    except ReadError as error:
        document = document._replace(frontend_error=str(error), line=_line(text, error.byte or 0))
    return document._replace(lines=_json_lines(text))


def labels(member: str, data: bytes) -> Document:
    """`index_to_name.json`, which only the worker reads (ts/utils/util.py, load_label_mapping)."""
    return _strict(member, data)


def _strict(member: str, data: bytes) -> Document:
    try:
        text = data.decode()  # `open` of a worker in a UTF-8 locale
    except UnicodeDecodeError as error:
        return Document(member, worker_error=f"UnicodeDecodeError: {error}"[:200])
    try:
        return Document(member, worker=json.loads(text))
    except json.JSONDecodeError as error:
        return Document(member, worker_error=f"json.decoder.JSONDecodeError: {error}", line=error.lineno)
    except (RecursionError, ValueError) as error:
        return Document(member, worker_error=f"{type(error).__name__}: {error}"[:200])


def _json_lines(text: str) -> tuple[tuple[str, int], ...]:
    """The lines of quoted keys, each where it stands first."""
    found: dict[str, int] = {}
    for match in re.finditer(r"""["']([A-Za-z]\w{0,60})["']\s*[:=]""", text[:1_000_000]):
        found.setdefault(match[1], _line(text, match.start()))
    return tuple(found.items())


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def configuration(member: str, data: bytes) -> Document:
    """`model-config.yaml`: SnakeYAML in the frontend (ArchiveUtils.readYamlFile), `yaml.safe_load` in the worker."""
    import yaml

    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        said = f"UnicodeDecodeError: {error}"[:200]
        return Document(member, worker_error=said, frontend_error="is not UTF-8 text")
    if text.count("*") > MAX_ALIASES and _aliases(text) > MAX_ALIASES:
        said = f"Number of aliases for non-scalar nodes exceeds the specified max={MAX_ALIASES}"
        return Document(member, frontend_error=said, worker_error="has too many aliases: it was not read")
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        value = None if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        said = f"{type(error).__module__}.{type(error).__name__}: {problem}"
        return Document(member, frontend_error=said, worker_error=said, line=mark.line + 1 if mark else None)
    except (RecursionError, ValueError, TypeError, OverflowError) as error:
        said = f"{type(error).__name__}: {str(error)[:120]}"
        return Document(member, worker=None, frontend_error=said, worker_error=said)
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    lines = tuple((str(key.value), key.start_mark.line + 1) for key, _ in pairs)
    return Document(member, value, value, lines=lines)


def _aliases(text: str) -> int:
    import yaml

    try:
        return sum(isinstance(token, yaml.AliasToken) for token in yaml.scan(text))
    except yaml.YAMLError:
        return 0


def requirements(data: bytes) -> tuple[tuple[str, str, int], ...]:
    """Name, specifier and line of each requirement; options and URLs are left out."""
    found = []
    for number, raw in enumerate(data.decode("utf-8-sig", "replace").splitlines()[:5000], 1):
        match = re.match(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*((?:[<>=!~][^#;]*)?)", raw)
        if match:
            found.append((re.sub(r"[-_.]+", "-", match[1]).lower(), match[2].strip(), number))
    return tuple(found)


def properties(text: str) -> tuple[tuple[str, str, int], ...]:
    """Keys, values and lines of a Java properties file (java.util.Properties.load)."""
    found: list[tuple[str, str, int]] = []
    lines = iter(enumerate(text.splitlines(), 1))
    for number, raw in lines:
        line = raw.lstrip(" \t\f")
        if not line or line[0] in "#!":
            continue
        while (len(line) - len(line.rstrip("\\"))) % 2:
            line = line[:-1] + next(lines, (0, ""))[1].lstrip(" \t\f")
        match = re.match(r"((?:\\.|[^\\=:\s])*)\s*[=:]?\s*(.*)", line, re.DOTALL)
        if match:
            found.append((_unescaped(match[1]), _unescaped(match[2]), number))
    return tuple(found)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}.get(match[1], match[1]), text)


def as_text(value: Any) -> str | None:
    """A manifest value as a Java String: text, a number or a boolean; None for null."""
    return None if value is None else str(value)
