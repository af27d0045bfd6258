"""Which modules the worker can import: those of the archive, of Python, of the server."""

from typing import NamedTuple

from modeldoctor.facts.archive import Archive, Class, Import, Module
from modeldoctor.tables import table

STOCK = "ts.torch_handler."


def standard_library() -> frozenset[str]:
    """Top-level modules of Python, of any release."""
    return frozenset(table("packages")["stdlib"].split())


def in_archive(archive: Archive, name: str) -> bool:
    """Whether `import name` finds a file or a folder with Python files in the model folder."""
    stem = name.replace(".", "/")
    if f"{stem}.py" in archive.members or f"{stem}/__init__.py" in archive.members:
        return True
    return any(member.startswith(f"{stem}/") and member.endswith((".py", ".so", ".pyd")) for member in archive.members)


def finds(archive: Archive, name: str) -> bool:
    """Whether an absolute import ends at a member: packages on the way may bind the last part themselves."""
    if in_archive(archive, name):
        return True
    parent, _, last = name.rpartition(".")
    module = archive.module(parent) if parent else None
    return module is not None and (last in dict(module.bindings) or bool(module.stars) or bool(module.error))


def archive_names(archive: Archive) -> list[str]:
    """Top-level modules of the archive."""
    heads = {member.partition("/")[0] for member in archive.members if member.endswith(".py")}
    return sorted(head.removesuffix(".py") for head in heads)


def absolute(module: Module, found: Import) -> str | None:
    """The dotted name that a relative import means; None beyond the top."""
    package = module.name if module.member.endswith("/__init__.py") else module.name.rpartition(".")[0]
    steps = package.split(".") if package else []
    if found.level > len(steps):
        return None
    kept = steps[: len(steps) - (found.level - 1)]
    return ".".join([*kept, found.module]).strip(".")


class Kin(NamedTuple):
    """A class with those it inherits from, nearest first. `stock` is the first class of the server among them.

    `known` is False when a base class is neither of the archive nor known here.
    """

    classes: tuple[Class, ...]
    stock: str = ""
    known: bool = True

    def has(self, name: str) -> bool | None:
        """Whether instances have the attribute; None when that is not known."""
        if any(each.method(name) or name in each.attributes for each in self.classes):
            return True
        if self.stock:
            return name in table("torchserve")["classes"].get(self.stock, ()) or (None if not self._listed else False)
        return False if self.known and not any(each.dynamic for each in self.classes) else None

    @property
    def _listed(self) -> bool:
        return self.stock in table("torchserve")["classes"]


# Base classes that have neither `handle` nor `initialize`.
_PLAIN = frozenset(
    {"object", "abc.ABC", "ABC", "torch.nn.Module", "nn.Module", "typing.Generic", "Generic[]", "typing.Generic[]"}
)


def kin(archive: Archive, module: Module, found: Class) -> Kin:
    """The bases of a class, as far as they can be followed."""
    classes, stock, known = [found], "", True
    pending = [(module, base) for base in found.bases]
    while pending and len(classes) < 20:
        where, base = pending.pop(0)
        full = dotted(where, base)
        if full in _PLAIN:
            continue
        if full.startswith(STOCK):
            stock = stock or full[len(STOCK) :]
            continue
        owner, _, name = full.rpartition(".")
        home = archive.module(owner) if owner else where
        parent = home.named(name) if home else None
        if parent is None or home is None:
            known = False
        else:
            classes.append(parent)
            pending += [(home, each) for each in parent.bases]
    return Kin(tuple(classes), stock, known)


def dotted(module: Module, text: str) -> str:
    """The full name behind a local one, by the imports of the module."""
    head, dot, rest = text.partition(".")
    for found in module.imports:
        base = absolute(module, found) if found.level else found.module
        alias = dict(found.aliases).get(head)
        if alias and not found.level:
            return f"{alias}{dot}{rest}"
        if head in found.names:
            return f"{base}.{head}{dot}{rest}"
        if not found.names and found.module.partition(".")[0] == head:
            return text
    return f"{module.name}.{text}" if module.named(head) else text
