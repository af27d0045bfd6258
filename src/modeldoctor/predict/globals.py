"""What a global of a pickle is: whose module it lives in, and what unpickling does with it.

An allow list decides (`tables/globals.json`): what is not in it is never called harmless. The lists of dangerous names
only find the words for what a call does.
"""

from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from functools import cache, lru_cache
from typing import Any, Literal, NamedTuple, TypeVar

from modeldoctor.tables import table

Kind = Literal["harmless", "caller", "resolver", "code", "class", "named", "unclear", "dangerous"]
Use = Literal["named", "instantiated", "called"]
T = TypeVar("T")
Owner = Literal["main", "stdlib", "torch", "numpy", "package", "project"]

# No listed name has more parts; a hostile one may have hundreds.
_MOST_PARTS = 8
# Several rules ask about the same names, as named and as called; the pickle machine takes up to 10,000 of a stream.
_REMEMBERED = 1 << 15
# Packages that come with torch (its wheel's top_level.txt, 1.4.0 to 2.13.0).
_TORCH = frozenset({"torch", "functorch", "caffe2", "torchgen"})
# multiprocessing re-runs the main script under the second name.
_MAIN = frozenset({"__main__", "__mp_main__"})
# Modules that are reached as attributes of others (`torch.serialization.os`), and the functions everybody wants there.
_REACHED = frozenset(
    {"os", "sys", "subprocess", "posix", "nt", "builtins", "importlib", "shutil", "socket", "ctypes", "pty", "runpy"}
    | {"system", "popen", "Popen", "check_output", "check_call", "getoutput", "getstatusoutput", "marshal"}
    | {"eval", "exec", "execfile", "import_module", "run_module", "CDLL", "PyDLL", "WinDLL"}
)
# Methods that lead nowhere: people pickle `functools.partial(table.__getitem__)`, cloudpickle and dill the `__new__` of
# enums. The last is the module that dill names.
_PLAIN_DUNDERS = frozenset(
    {
        "__call__",
        "__getitem__",
        "__contains__",
        "__len__",
        "__iter__",
        "__next__",
        "__eq__",
        "__ne__",
        "__lt__",
        "__le__",
    }
    | {"__gt__", "__ge__", "__add__", "__mul__", "__new__", "__init__", "__repr__", "__str__", "__hash__", "__main__"}
)


class Judgement(NamedTuple):
    """What unpickling does with a global.

    `harmless`: called or instantiated without effect outside the object; `caller`: harmless, but it calls what it is
    given; `resolver`: returns an attribute that its arguments name; `code`: rebuilds code; `class`: a class of a
    package or project (its code runs, its harm is nobody's to know); `named`: only imported; `unclear`: a call not
    known as harmless; `dangerous`. `words` continue "which …" and may be empty.
    """

    kind: Kind
    words: str = ""


class Origin(NamedTuple):
    """Whose module it is. `distribution` is what to install, `note` says what is known about it besides."""

    owner: Owner
    distribution: str | None = None
    note: str | None = None


def canonical(module: str, name: str) -> tuple[str, str]:
    """The names as Python 3 resolves them: `__builtin__ xrange` is `builtins range` (pickle.py, find_class)."""
    if (module, name) in NAME_MAPPING:
        return NAME_MAPPING[module, name]
    return IMPORT_MAPPING.get(module, module), name


@lru_cache(_REMEMBERED)
def judge(module: str, name: str, use: Use) -> Judgement:
    """What this use of a global does when the pickle is loaded without restrictions."""
    module, name = canonical(module, name)
    full = f"{module}.{name}"
    known = _known(full) or _listed(module, name)
    if known is not None:
        return known
    code = covering(_table()["code"], full)
    if code is not None:
        return Judgement("code", code)
    owner = origin(module, name).owner
    if name == "__dict__" and owner in {"main", "package", "project"}:  # dill: the globals of a function
        return Judgement("code", "reaches the variables of a module")
    sharp = covering(_table()["modules"], full) if owner != "project" else None
    if sharp is not None:
        return Judgement("dangerous", sharp)
    reached = reaches_outside(name)
    if reached is not None:
        return Judgement("dangerous", f"reaches `{reached}` through another module")
    if use == "named":
        return Judgement("named")
    return _judge_use(owner, module, name, use)


def _judge_use(owner: Owner, module: str, name: str, use: Use) -> Judgement:
    """Judge what no list names: by whose it is, and whether it is a class."""
    effect = (covering(_table()["effects"], f"{module}.{name}") if owner != "project" else None) or ""
    function = looks_like_function(name)
    if owner in {"stdlib", "torch", "numpy"}:
        if module == "copyreg" and name.startswith("extension:"):  # EXT1, EXT2, EXT4
            return Judgement("unclear", "is whatever the loading program has registered under that number")
        if not all(part.isidentifier() for part in f"{module}.{name}".split(".")):
            return Judgement("unclear", "has a name that nothing of it has")
        # Nothing that saves a model calls functions of these but the reconstructors, which are listed.
        if function or (owner == "stdlib" and effect and use == "called"):
            return Judgement("dangerous", effect)
        return Judgement("unclear", effect)
    if owner == "package" and use == "called" and function:
        # Cython writes these for its classes: they make an instance and set its attributes.
        if name.startswith("__pyx_unpickle_"):
            return Judgement("class")
        return Judgement("dangerous" if effect else "unclear", effect)
    if use == "called" and function:
        return Judgement("unclear", effect)
    return Judgement("class", effect)


def _known(full: str) -> Judgement | None:
    """The judgement of a name that is listed as a whole."""
    data = _table()
    if full in data["names"]:
        return Judgement("dangerous", data["names"][full])
    if full in _harmless():
        return Judgement("harmless")
    if full in data["callers"]:
        return Judgement("caller", data["callers"][full])
    if full in data["resolvers"]:
        return Judgement("resolver", data["resolvers"][full])
    return None


def _listed(module: str, name: str) -> Judgement | None:
    data = _table()
    if name in data["builders"].get(module, "").split() or name in data["classes"].get(module, "").split():
        return Judgement("harmless")
    return None


def is_torch_class(module: str, name: str) -> bool:
    """Whether torch itself defines this class (modules, optimizers, distributions, observers…)."""
    return name in _table()["classes"].get(module, "").split()


def looks_like_function(name: str) -> bool:
    """Whether a name is written as functions are: the last part starts in lower case."""
    return not name.rpartition(".")[2].lstrip("_")[:1].isupper()


def reaches_outside(name: str) -> str | None:
    """The part of a dotted name that leads out of the module: another module, or the inside of an object."""
    for part in name.split("."):
        if part in _REACHED or (part[:2] == part[-2:] == "__" and part not in _PLAIN_DUNDERS):
            return part
    return None


@lru_cache(_REMEMBERED)
def origin(module: str, name: str = "") -> Origin:
    """Whose module it is. A module that nobody is known to publish belongs to the project that wrote the file."""
    module, name = canonical(module, name)
    top = module.partition(".")[0]
    if top in _MAIN:
        return Origin("main")
    if top in _TORCH:
        return Origin("torch", "torch")
    if top == "numpy":
        return Origin("numpy", "numpy")
    packages = table("packages")
    if top in _words("stdlib") and not _shadows(module, name):
        return Origin("stdlib")
    distribution = covering(packages["renamed"], module) or (top.replace("_", "-") if top in _words("same") else None)
    if distribution is not None:
        return Origin("package", distribution, None)
    return Origin("project", None, covering(packages["repositories"], module))


def _shadows(module: str, name: str) -> bool:
    """Whether a project's own `test.py` or `code/` hides a module of the standard library, which has no such class.

    Only for classes: functions are judged by what the standard library does.
    """
    top, _, below = module.partition(".")
    members = table("packages")["shadows"].get(top)
    if members is None:
        return False
    first = (below or name).partition(".")[0]
    return bool(first) and (bool(below) or not looks_like_function(first)) and first not in members.split()


class Moved(NamedTuple):
    """A module that newer releases of its package no longer have."""

    module: str
    requirement: str
    why: str


def moved(module: str) -> Moved | None:
    """What is known about a module path that is gone from its package."""
    return covering(_moves(), module)


@cache
def _moves() -> dict[str, Moved]:
    return {
        old: Moved(old, requirement, entry["why"])
        for requirement, entry in table("packages")["moved"].items()
        for old in entry["modules"].split()
    }


def covering(names: "dict[str, T]", full: str) -> "T | None":
    """The entry of the longest dotted prefix of a name, the name itself included."""
    parts = full.split(".", _MOST_PARTS)
    for end in range(len(parts), 0, -1):
        found = names.get(".".join(parts[:end]))
        if found is not None:
            return found
    return None


def _table() -> Any:
    return table("globals")


@cache
def _harmless() -> frozenset[str]:
    return frozenset(name for names in table("globals")["harmless"].values() for name in names)


@cache
def _words(section: str) -> frozenset[str]:
    return frozenset(table("packages")[section].split())
