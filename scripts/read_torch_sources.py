"""Read what pickles refer to from the Python sources of torch releases, without importing them.

    python scripts/read_torch_sources.py facts/torch_sources.json SOURCES...

SOURCES are unpacked wheels (`unzip -d 2.16.0 torch-2.16.0-*.whl`; the folder that holds `torch/`) or the `torch`
folders themselves. Each release is added to the file, or replaces what was read of it before. What is kept:

* `modules`: every module, with the releases it is in;
* `names`: classes and functions that pickles can refer to, and where they resolve (imports count);
* `attributes`: what the `forward` of a module class reads unconditionally and only some releases set: an instance
  pickled by a release that did not set it loads, and fails when it is used;
* `signatures`: how many arguments the functions take that rebuild tensors, [fewest, most] per release that changed it;
* `operators`: operators of ATen that only some releases have (from the headers), which TorchScript calls.

A span is a release ("from here on"), "A-B" (from A to B, both read), or "" (in all that were read).
"""

import ast
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

# Parts of torch that no checkpoint refers to; all else is read.
_SKIPPED = re.compile(
    r"testing|_inductor|onnx|_refs|_decomp|_prims(_common)?|include|share|lib|bin|test|tensorboard|benchmark|csrc"
    r"|_vendor|_native|_numpy|_meta_registrations|_functorch|_higher_order_ops|elastic|_tools|pipelining|experimental"
    r"|passes|variables|polyfills|rpc|launcher|_symmetric_memory|_subclasses"
)
# Modules whose functions are pickled by reference too (hooks, activations, initialisers, rebuilders).
_FUNCTIONS = re.compile(
    r"torch(\._C|\.nn\b.*|\.(_utils|_tensor|tensor|storage|serialization|functional|random|_lowrank)$|\.optim\..*"
    r"|\.fx\.graph_module$|\.jit\._.*|\.utils\.(hooks|checkpoint|data\..*|_pytree)$|\.ao\.quantization\.\w+$"
    r"|\.quantization\.\w+$|\.nested\..*|\.sparse\..*|\.distributed\.(tensor|_tensor|_shard)\b.*)"
)
_REBUILDER = re.compile(r"_rebuild|_get_layout$|_load_from_bytes$|reduce_graph_module$")
_SPECIAL = frozenset({"training", "_modules", "_parameters", "_buffers"})  # set by Module itself, in every release


class Class(NamedTuple):
    """A class body: bases by name; per method what it reads of self (always, and at all) and sets, and its texts."""

    bases: tuple[str, ...]
    methods: dict[str, "Method"]
    constants: frozenset[str]


class Method(NamedTuple):
    """`always` are attributes of self that are read whatever branch is taken."""

    always: frozenset[str]
    reads: frozenset[str]
    sets: frozenset[str]
    texts: frozenset[str]


class Module(NamedTuple):
    """What a module defines and imports at its top level."""

    classes: dict[str, Class]
    functions: frozenset[str]
    rebuilders: dict[str, list[int]]
    imported: frozenset[str]
    stars: tuple[str, ...]


# --------------------------------------------------------------------------- one release


def read_release(folder: str) -> tuple[str, dict[str, Module], frozenset[str]]:
    """The version, the modules and the operators below a `torch` folder. `torch._C` is read from its stub."""
    root = os.path.join(folder, "torch") if os.path.isdir(os.path.join(folder, "torch")) else folder
    with open(os.path.join(root, "version.py"), encoding="utf-8") as file:
        version = re.search(r"__version__ = '(\d+\.\d+\.\d+)", file.read())
    assert version, f"{root} has no version"
    modules = {name: _read_module(name, path) for name, path in _files(root)}
    modules["torch._C"] = Module({}, _stub(root, "_C/__init__.pyi", r"^class (\w+)|^(\w+) ?: "), {}, frozenset(), ())
    return version[1], modules, _operators(root)


def _files(root: str) -> Iterator[tuple[str, str]]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(each for each in folders if not _SKIPPED.fullmatch(each))
        for file in sorted(files):
            if file.endswith(".py"):
                tail = os.path.relpath(os.path.join(folder, file), root)[:-3].replace(os.sep, ".")
                yield "torch." + tail if tail != "__init__" else "torch", os.path.join(folder, file)


def _read_module(name: str, path: str) -> Module:
    with open(path, "rb") as file:
        tree = ast.parse(file.read())
    classes: dict[str, Class] = {}
    functions: set[str] = set()
    rebuilders: dict[str, list[int]] = {}
    imported: set[str] = set()
    stars: list[str] = []
    package = name.removesuffix(".__init__") if path.endswith("__init__.py") else name.rpartition(".")[0]
    for node in _top_level(tree.body):
        match node:
            case ast.ClassDef():
                classes[node.name] = _read_class(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                functions.add(node.name)
                if _REBUILDER.match(node.name) and not node.args.vararg:
                    most = len(node.args.args)
                    rebuilders[node.name] = [most - len(node.args.defaults), most]
            case ast.Assign():
                imported |= {x.id for target in node.targets for x in ast.walk(target) if isinstance(x, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=target)):
                imported.add(target)
            case ast.Import():
                imported |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
            case ast.ImportFrom():
                stars += [_absolute(node, package)] if node.names[0].name == "*" else []
                imported |= {alias.asname or alias.name for alias in node.names}
            case _:
                pass
    return Module(classes, frozenset(functions), rebuilders, frozenset(imported - {"*"}), tuple(stars))


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _top_level(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        for part in ("body", "orelse", "finalbody"):
            if isinstance(node, ast.If | ast.Try | ast.With):
                yield from _top_level(getattr(node, part, ()))
        if isinstance(node, ast.Try):
            for handler in node.handlers:
                yield from _top_level(handler.body)


def _read_class(node: ast.ClassDef) -> Class:
    constants: set[str] = set()
    methods: dict[str, Method] = {}
    for part in node.body:
        if isinstance(part, ast.FunctionDef):
            methods[part.name] = _read_method(part)
        elif isinstance(part, ast.Assign):
            constants |= {target.id for target in part.targets if isinstance(target, ast.Name)}
        elif isinstance(part, ast.AnnAssign) and part.value is not None and isinstance(part.target, ast.Name):
            constants.add(part.target.id)
    bases = [base.id if isinstance(base, ast.Name) else getattr(base, "attr", "?") for base in node.bases]
    return Class(tuple(bases), methods, frozenset(constants))


def _read_method(node: ast.FunctionDef) -> Method:
    reads: set[str] = set()
    sets: set[str] = set()
    texts: set[str] = set()
    for part in ast.walk(node):
        if name := _of_self(part):
            (sets if isinstance(part.ctx, ast.Store) else reads).add(name)  # type: ignore[attr-defined]
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            texts.add(part.value)
    for call in [part for part in ast.walk(node) if isinstance(part, ast.Call) and part.args]:
        if isinstance(call.func, ast.Attribute) and call.func.attr.startswith(("register_", "add_module")):
            sets |= {str(call.args[0].value)} if isinstance(call.args[0], ast.Constant) else set()
    return Method(frozenset(_always(node.body)), frozenset(reads), frozenset(sets), frozenset(texts))


def _of_self(node: ast.AST) -> str | None:
    is_self = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    return node.attr if is_self else None  # type: ignore[attr-defined]


def _always(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Attributes of self that are read before any branch, in tests of a first branch, or in every branch."""
    for node in nodes:
        if isinstance(node, ast.If):
            yield from _always([node.test])
            both = set(_always(node.body)) & set(_always(node.orelse))
            yield from both
            if any(isinstance(part, ast.Return) for part in (*node.body, *node.orelse)) and not node.orelse:
                continue
        elif isinstance(node, ast.BoolOp):
            yield from _always(node.values[:1])
        elif isinstance(node, ast.IfExp):
            yield from _always([node.test])
        elif isinstance(node, ast.For | ast.While):
            yield from _always([node.iter if isinstance(node, ast.For) else node.test])
        elif isinstance(node, ast.FunctionDef | ast.Lambda):
            continue
        elif name := _of_self(node):
            if isinstance(node.ctx, ast.Load):  # type: ignore[attr-defined]
                yield name
        else:
            yield from _always(ast.iter_child_nodes(node))


def _operators(root: str) -> frozenset[str]:
    """Base names of the schemas in the headers; with a dot before it, what tensors have: TorchScript has it built in.

    A package without headers or stubs says nothing.
    """
    path = os.path.join(root, "include", "ATen", "RegistrationDeclarations.h")
    methods = _stub(root, "_C/__init__.pyi", r"^    def (\w+)\(self|^    (\w+): (?:_\w+|Tensor)$")
    if not os.path.exists(path) or not methods:
        return frozenset()
    with open(path, encoding="utf-8") as file:
        return frozenset(f".{name}" for name in methods).union(re.findall(r"aten::(\w+)[.(]", file.read()))


def _stub(root: str, name: str, pattern: str) -> frozenset[str]:
    path = os.path.join(root, *name.split("/"))
    if not os.path.exists(path):
        return frozenset()
    with open(path, encoding="utf-8", errors="replace") as file:
        return frozenset("".join(found.groups("")) for found in re.finditer(pattern, file.read(), re.MULTILINE))


def resolvable(modules: dict[str, Module]) -> dict[str, set[str]]:
    """Per module all names that `getattr` finds in it, submodules and star imports included."""
    plain = {name.removesuffix(".__init__"): module for name, module in modules.items()}

    def names(module: str, seen: frozenset[str]) -> set[str]:
        if module in seen or module not in plain:
            return set()
        found = plain[module]
        result = {*found.classes, *found.functions, *found.imported}
        for star in found.stars:
            result |= {name for name in names(star, seen | {module}) if not name.startswith("_")}
        return result

    every = {module: names(module, frozenset()) for module in plain}
    for module in plain:
        parent, _, tail = module.rpartition(".")
        if parent in every:
            every[parent].add(tail)
    return every


def needed(modules: dict[str, Module]) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """Module class → attributes that its `forward` needs, and all attributes that its constructor sets."""
    places: dict[str, list[tuple[str, str]]] = {}
    classes: dict[tuple[str, str], Class] = {}
    for module, found in modules.items():
        for name, value in found.classes.items():
            classes[module, name] = value
            places.setdefault(name, []).append((module, name))
    result = {}
    for key in classes:
        line = _line(key, classes, places)
        if ("torch.nn.modules.module", "Module") in line and key[0].startswith(("torch.nn.", "torch.ao.nn.")):
            result[".".join(key)] = _needed(line, classes)
    return result


def _line(key: tuple[str, str], classes: Any, places: Any, seen: tuple[Any, ...] = ()) -> list[tuple[str, str]]:
    line = [key]
    for base in classes[key].bases:
        found = places.get(base, [])
        near = [place for place in found if place[0] == key[0]]
        plain = [place for place in found if place[0].startswith("torch.nn.modules")]
        for place in [*near, *plain, *found][:1]:
            if place not in (*seen, key):
                line += [each for each in _line(place, classes, places, (*seen, key)) if each not in line]
    return line


def _needed(line: list[tuple[str, str]], classes: Any) -> tuple[frozenset[str], frozenset[str]]:
    methods: dict[str, tuple[Method, tuple[str, str]]] = {}
    provided, sets = set(_SPECIAL), set[str]()
    for key in reversed(line):
        found: Class = classes[key]
        methods |= {name: (method, key) for name, method in found.methods.items()}
        provided |= found.constants
        if setstate := found.methods.get("__setstate__"):
            provided |= setstate.sets | setstate.texts
        if init := found.methods.get("__init__"):
            sets |= init.sets
    todo, seen, reads = ["forward"], set[str](), set[str]()
    while todo:
        name = todo.pop()
        if name in seen or name not in methods or methods[name][1] == ("torch.nn.modules.module", "Module"):
            continue
        seen.add(name)
        reads |= methods[name][0].always
        todo += [each for each in methods[name][0].always if each in methods]
    return frozenset((reads & sets) - provided - set(methods)), frozenset(sets)


# --------------------------------------------------------------------------- spans over releases


def order(release: str) -> tuple[int, ...]:
    """For sorting releases."""
    return tuple(int(part) for part in release.split("."))


def spans(releases: list[str], have: set[str]) -> str | None:
    """The span of the releases in `have`, or None when there is a gap (then the last stretch is meant)."""
    places = [place for place, release in enumerate(releases) if release in have]
    if not places:
        return None
    last = places[-1]
    first = last
    while first - 1 in places:
        first -= 1
    head = "" if first == 0 else releases[first]
    return head if last == len(releases) - 1 else f"{head or releases[0]}-{releases[last]}"


def summarise(read: dict[str, Any]) -> dict[str, Any]:
    """The JSON of all releases read."""
    releases = sorted(read, key=order)
    stubbed = [release for release in releases if read[release][0]["torch._C"].functions]
    with_operators = [release for release in releases if read[release][3]]
    modules: dict[str, set[str]] = {}
    names: dict[str, dict[str, set[str]]] = {}
    operators: dict[str, set[str]] = {}
    attributes: dict[str, dict[str, set[str]]] = {}
    signatures: dict[str, dict[str, list[int]]] = {}
    for release, (found, every, _, known) in read.items():
        for module in every:
            modules.setdefault(module, set()).add(release)
        for module, value in found.items():
            own = {*value.classes, *(value.functions if _FUNCTIONS.fullmatch(module) else ())}
            names.setdefault(module, {}).update({name: set() for name in own})
            if module == "torch._C":  # torch imports all of it
                names.setdefault("torch", {}).update({name: set() for name in own if not name.startswith("_")})
            for name, counts in value.rebuilders.items():
                signatures.setdefault(f"{module}.{name}", {})[release] = counts
        for name in known:
            operators.setdefault(name.removeprefix("."), set()).add(release)
    for release, (_, every, need, _) in read.items():
        for module, table in names.items():
            for name in table:
                if name in every.get(module, ()):
                    table[name].add(release)
        for name, (needs, _) in need.items():
            lacking = [r for r in read if name in read[r][2] and not needs <= read[r][2][name][1]]
            for attribute in needs:
                if any(attribute not in read[r][2][name][1] for r in lacking):
                    attributes.setdefault(name, {}).setdefault(attribute, set()).add(release)
    return {
        "releases": releases,
        "releases_with_stubs": stubbed,
        "releases_with_operators": with_operators,
        "modules": {name: spans(releases, have) for name, have in sorted(modules.items())},
        "names": {
            module: {
                name: spans(_known(module, releases, stubbed), have) for name, have in sorted(table.items()) if have
            }
            for module, table in sorted(names.items())
            if table
        },
        "attributes": {
            name: {attribute: spans(releases, have) for attribute, have in sorted(table.items())}
            for name, table in sorted(attributes.items())
        },
        "signatures": {name: _changes(found) for name, found in sorted(signatures.items())},
        "operators": {
            name: spans(with_operators, have)
            for name, have in sorted(operators.items())
            if spans(with_operators, have) != "" and any(name in read[release][3] for release in have)
        },
    }


def _changes(found: dict[str, list[int]]) -> dict[str, list[int]]:
    """Only the releases that differ from the one before."""
    ordered = sorted(found.items(), key=lambda item: order(item[0]))
    return {
        release: counts
        for place, (release, counts) in enumerate(ordered)
        if not place or counts != ordered[place - 1][1]
    }


def _known(module: str, releases: list[str], stubbed: list[str]) -> list[str]:
    """The releases that say something of the module: those with stubs for what is written in C++."""
    return stubbed if module in {"torch._C", "torch"} else releases


def main() -> None:
    """Read every folder named and write the file."""
    target, *folders = sys.argv[1:]
    read: dict[str, Any] = {}
    for folder in folders:
        release, modules, operators = read_release(folder)
        plain = {name.removesuffix(".__init__"): module for name, module in modules.items()}
        read[release] = (plain, resolvable(modules), needed(plain), operators)
        print(release, len(modules), "modules,", len(operators), "operators")
    with open(target, "w", encoding="utf-8") as file:
        json.dump({"source": "the Python sources in the wheels of these releases", **summarise(read)}, file, indent=0)
        file.write("\n")


if __name__ == "__main__":
    main()
