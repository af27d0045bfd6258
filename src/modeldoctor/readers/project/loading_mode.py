"""What a project says about `torch.load` besides the arguments of its calls: variables, allowed names, replacements."""

import ast
import os
import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from modeldoctor.facts.environment import Value
from modeldoctor.readers.source.entries import is_test
from modeldoctor.readers.source.expressions import text_of
from modeldoctor.readers.source.project import Project

FORCE_ON = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
FORCE_OFF = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
UNRESOLVED = "*"  # among the allowed names: something that is computed

# Deployment files are a few kilobytes; data under such a suffix is not searched.
MAX_BYTES = 1 << 20
MAX_FILES = 2_000

_TRUE = frozenset({"1", "y", "yes", "true"})  # torch/serialization.py, `true_values` in `load`
_CODE = re.compile(rb"TORCH_FORCE_|safe_globals|pickle_module|torch\.load\s*=[^=]|serialization\.load\s*=[^=]")
_NAME = r"TORCH_FORCE_(?P<no>NO_)?WEIGHTS_ONLY_LOAD"
_SAME = _NAME.replace("<no>", "<not>")
_COMMENT = re.compile(r"^[ \t]*(?:#|//).*$", re.MULTILINE)
# `ENV A=1`, `ENV A 1`, `A: "1"`, `- A=1`, `export A=1`; then Kubernetes' `name: A` with `value:` in the next line.
_STATED = re.compile(
    rf"\b{_NAME}\b[\"']?(?:[ \t]*[=:][ \t]*|[ \t]+)[\"']?(?P<value>\w+)"
    rf"|\b{_SAME}\b[\"']?[ \t]*\n[ \t]*value:[ \t]*[\"']?(?P<next>\w+)"
)
_ASSIGNED = re.compile(
    rf"environ\[[\"']{_NAME}[\"']\][ \t]*=[ \t]*[\"'](?P<value>\w+)"
    rf"|(?:setdefault|putenv)\([ \t]*[\"']{_SAME}[\"'][ \t]*,[ \t]*[\"'](?P<next>\w+)"
)


class Modes(NamedTuple):
    """`forced` maps a variable that is switched on to its place; `pickled` are calls with their own `pickle_module`.

    `allowed` are dotted names given to `safe_globals` and `add_safe_globals`, `*` for what is computed. `replaced` says
    with which `weights_only` the project calls under a `torch.load` of its own; `computed` when nobody can tell.
    """

    forced: dict[str, Value]
    allowed: tuple[str, ...] = ()
    pickled: frozenset[tuple[str, int]] = frozenset()
    replaced: Value | None = None


def read_modes(root: str | None, files: list[str], shown: str = "", environ: dict[str, str] | None = None) -> Modes:
    """The modes of a project, places as reports print them; of the shell alone where there is no project."""
    environ = dict(os.environ) if environ is None else environ
    said = {name: (9, text, "the shell's environment") for name in (FORCE_ON, FORCE_OFF) if (text := environ.get(name))}
    allowed: dict[str, None] = {}
    pickled: set[tuple[str, int]] = set()
    replaced = None
    project = Project(root or ".", files if root is not None else [])
    for path, text in _texts(root, files) if root is not None else ():
        place = f"{shown.rstrip('/')}/{path}" if shown not in {"", "."} else path
        rank = _rank(path, text)
        for name, value, line in _variables(text, code=path.endswith(".py")):
            if name not in said or rank < said[name][0] or f"{place}:" in said[name][2]:  # the last line of a file wins
                said[name] = (rank, value, f"{place}:{line}")
        if path.endswith(".py") and (tree := project.tree(path)) is not None:
            module = _Module(path, tree)
            allowed |= dict.fromkeys(module.allowed())
            pickled |= {(path, line) for line in module.pickled()}
            replaced = replaced or module.replaced(place)
    forced = {
        name: Value(value, where, "project") for name, (_, value, where) in said.items() if value.lower() in _TRUE
    }
    return Modes(forced, tuple(allowed), frozenset(pickled), replaced)


def _texts(root: str, files: list[str]) -> Iterator[tuple[str, str]]:
    """The files that mention any of it, tests and CI left out: they do not serve."""
    served = (
        path for path in files if not is_test(path) and not path.startswith((".github/", ".circleci/", ".gitlab"))
    )
    for path in islice(filter(_may_say, served), MAX_FILES):
        data = _bytes(os.path.join(root, *path.split("/")))
        if data and _CODE.search(data):
            yield path, data.decode("utf-8", "replace")


def _may_say(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return (
        name.endswith((".py", ".yml", ".yaml", ".sh", ".service", ".tf", ".toml", ".env"))
        or name.startswith(".env")
        or "dockerfile" in name
        or name in {"containerfile", "procfile", "makefile", "supervisord.conf"}
    )


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(MAX_BYTES)
    except OSError:
        return b""


def _rank(path: str, text: str) -> int:
    """Who wins: code that runs, Kubernetes over compose over the image over other files."""
    name = path.rpartition("/")[2].lower()
    if name.endswith(".py"):
        return 0
    if name.endswith((".yml", ".yaml")):
        return 1 if re.search(r"^\s*apiVersion:", text, re.MULTILINE) else 2
    return 3 if "dockerfile" in name or name == "containerfile" else 4


def _variables(text: str, *, code: bool) -> Iterator[tuple[str, str, int]]:
    """(variable, value, line) of every statement that sets one; comments set nothing."""
    text = _COMMENT.sub("", text)
    line, counted = 1, 0
    for found in (_ASSIGNED if code else _STATED).finditer(text):
        line += text.count("\n", counted, found.end())
        counted = found.end()
        yield FORCE_OFF if found["no"] or found["not"] else FORCE_ON, found["value"] or found["next"], line


class _Module:
    """One file: what its names were imported as, and the calls in it."""

    def __init__(self, path: str, tree: ast.Module) -> None:
        self.path = path
        self.dotted = path.removesuffix(".py").removesuffix("/__init__").removeprefix("src/").replace("/", ".")
        self.nodes = list(ast.walk(tree))
        self.names = dict(self.imported())
        self.values = {
            text_of(node.targets[0]): node.value for node in self.nodes if isinstance(node, ast.Assign) and node.targets
        }
        self.defined = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}

    def imported(self) -> Iterator[tuple[str, str]]:
        """Local names and what they stand for."""
        package = self.dotted.split(".")
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield (
                        alias.asname or alias.name.partition(".")[0],
                        (alias.name if alias.asname else alias.name.partition(".")[0]),
                    )
            elif isinstance(node, ast.ImportFrom):
                above = package[: len(package) - node.level] if node.level else []
                base = ".".join([*above, node.module] if node.module else above)
                for alias in node.names:
                    yield alias.asname or alias.name, f"{base}.{alias.name}"

    def full(self, node: ast.AST) -> str:
        """The dotted name of an expression; `*` for what is none."""
        first, dot, rest = text_of(node).partition(".")
        if not first.isidentifier() or not all(part.isidentifier() for part in rest.split(".") if dot):
            return UNRESOLVED
        if first in self.defined:
            return f"{self.dotted}.{first}{dot}{rest}"
        return f"{self.names[first]}{dot}{rest}" if first in self.names else UNRESOLVED

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Every call with the last part of what it calls."""
        for node in self.nodes:
            if isinstance(node, ast.Call):
                yield node, text_of(node.func).rpartition(".")[2]

    def allowed(self) -> Iterator[str]:
        """Names that the restricted loader is told to accept."""
        for node, called in self.calls():
            if called in {"add_safe_globals", "safe_globals"} and node.args:
                listed = self.values.get(text_of(node.args[0]), node.args[0])
                if not isinstance(listed, ast.List | ast.Tuple | ast.Set):
                    yield UNRESOLVED
                    continue
                for each in listed.elts:
                    # `(object, "the.name.in.the.file")`, since torch 2.7
                    named = each.elts[1] if isinstance(each, ast.Tuple) and len(each.elts) > 1 else None
                    if isinstance(named, ast.Constant) and isinstance(named.value, str):
                        yield named.value
                    else:
                        yield self.full(each)

    def pickled(self) -> Iterator[int]:
        """Lines of loads with a pickle module of their own, which turns the restricted loader off."""
        for node, called in self.calls():
            given = next((each.value for each in node.keywords if each.arg == "pickle_module"), None)
            if called == "load" and given is not None and not (isinstance(given, ast.Constant) and given.value is None):
                yield node.lineno

    def replaced(self, place: str) -> Value | None:
        """What stands in for `torch.load`, as far as that says how it loads."""
        for node in self.nodes:
            if not isinstance(node, ast.Assign):
                continue
            for target in node.targets:
                if isinstance(target, ast.Attribute) and self.full(target) in {
                    "torch.load",
                    "torch.serialization.load",
                }:
                    kept = text_of(node.value).rpartition(".")[2].strip("_").lower()
                    if "orig" in kept or kept in {"old_load", "real_load"}:
                        continue  # it is put back
                    text = "False" if self.sets_false(node.value) else "computed"
                    return Value(text, f"{place}:{node.lineno}", "project", "`torch.load` is replaced there")
        return None

    def sets_false(self, value: ast.expr) -> bool:
        """Whether the replacement, here or in the function it names, passes `weights_only=False`."""
        name = text_of(value)
        bodies: list[ast.AST] = [node for node in self.nodes if isinstance(node, ast.FunctionDef) and node.name == name]
        text = " ".join(ast.unparse(node) for node in (bodies or [value]))
        return re.search(r"weights_only['\"]?\]?\s*[=:,]\s*False", text) is not None
