"""What the rules about globals share: which pickles are unpickled by Python, and what each global is used for."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from modeldoctor.facts.checkpoint import Checkpoint, Global, Pickle
from modeldoctor.findings import Where
from modeldoctor.predict.globals import Judgement, Origin, canonical, judge, origin
from modeldoctor.predict.globals import Use as Way
from modeldoctor.rules.base import Context, place
from modeldoctor.wording import listing, quoted

# torch.jit.load has an unpickler of its own in C++ that knows no Python module; the classes of a torch.package are
# looked up in the package itself.
_OTHER_LOADERS = frozenset({"torchscript", "torch-package", "executorch", "safetensors"})

# torch.load of bytes, by which storages outside of torch.save are pickled (torch/storage.py).
LOAD_FROM_BYTES = "torch.storage._load_from_bytes"


class Use(NamedTuple):
    """A global in one stream: the strongest thing that is done with it, and what that means."""

    pickle: Pickle
    module: str
    name: str
    way: Way
    judgement: Judgement
    origin: Origin
    entry: Global

    @property
    def full(self) -> str:
        """Module and name as Python 3 knows them."""
        return f"{self.module}.{self.name}"


def unpickled(checkpoint: Checkpoint) -> bool:
    """Whether Python's unpickler resolves the names in this file: then what they name must be importable."""
    return checkpoint.format not in _OTHER_LOADERS and checkpoint.anatomy.contents != "scripted"


def streams(checkpoint: Checkpoint) -> Iterator[Pickle]:
    """Every pickle that loading the file unpickles: those inside other pickles only if something there loads them."""
    waiting = list(reversed(checkpoint.pickles))
    while waiting:
        pickle = waiting.pop()
        yield pickle
        if _loads_pickles(pickle):
            waiting += reversed(pickle.nested)


def inert(checkpoint: Checkpoint) -> Iterator[Pickle]:
    """Pickles among the bytes of other pickles that nothing we know of loads, and whatever is inside those."""
    waiting = [each for pickle in streams(checkpoint) if not _loads_pickles(pickle) for each in pickle.nested]
    while waiting:
        pickle = waiting.pop()
        yield pickle
        waiting += pickle.nested


def _loads_pickles(pickle: Pickle) -> bool:
    """Whether the stream calls anything that may unpickle bytes; what rebuilds plain data does not."""
    return any(
        "called" in entry.uses and (str(entry) == LOAD_FROM_BYTES or _judge(entry).kind in {"dangerous", "unclear"})
        for entry in pickle.globals
    )


def uses(checkpoint: Checkpoint, context: Context) -> list[Use]:
    """Every global of every pickle that is unpickled, but those that the configuration trusts.

    A stream that is only met by the wrong loader makes up names out of data: what it runs counts, not what it needs.
    """
    if not (_answered and _answered[0] is checkpoint and _answered[1] == context.trusted_globals):
        found = [use for pickle in streams(checkpoint) if pickle.role != "misread" for use in uses_of(pickle, context)]
        _answered[:] = (checkpoint, context.trusted_globals, found)
    answer: list[Use] = _answered[2]
    return answer


# Ten rules ask this about one file, one after the other: the last answer serves them all.
_answered: list[Any] = []


def uses_of(pickle: Pickle, context: Context) -> list[Use]:
    """The globals of one stream, but those that the configuration trusts."""
    return [_use(pickle, entry) for entry in pickle.globals if not trusted(str(entry), context)]


def _judge(entry: Global) -> Judgement:
    return judge(*canonical(entry.module, entry.name), _way(entry))


def _way(entry: Global) -> Way:
    return "called" if "called" in entry.uses else "instantiated" if "instantiated" in entry.uses else "named"


def _use(pickle: Pickle, entry: Global) -> Use:
    module, name = canonical(entry.module, entry.name)
    return Use(pickle, module, name, _way(entry), _judge(entry), origin(module, name), entry)


def trusted(full: str, context: Context) -> bool:
    """Whether `trusted-globals` covers the name (`shop.nets.*`)."""
    if not context.trusted_globals:
        return False
    from fnmatch import fnmatchcase

    return any(fnmatchcase(full, pattern) for pattern in context.trusted_globals)


def at(checkpoint: Checkpoint, pickle: Pickle, position: int) -> Where:
    """The place of an opcode."""
    return place(checkpoint, pickle.member, pickle.offset + position)


def by_module(found: Iterable[Use]) -> dict[str, list[str]]:
    """Module → the names that are needed from it, in the order of the stream."""
    modules: dict[str, list[str]] = {}
    for use in found:
        names = modules.setdefault(use.module, [])
        if use.name not in names:
            names.append(use.name)
    return modules


def needs(modules: dict[str, list[str]], shown: int = 8) -> tuple[tuple[str, str], ...]:
    """One `needs` note for each of the first modules and one for the number of the others."""
    lines = [f"{quoted(module)}: {listing(names, 4)}" for module, names in list(modules.items())[:shown]]
    if len(modules) > shown:
        lines.append(f"and {len(modules) - shown:,} more modules")
    return tuple(("needs", line) for line in lines)


def bounded(modules: dict[str, list[str]]) -> dict[str, list[str]]:
    """The same for a report that machines read: a hostile file can name ten thousand things."""
    return {module: names[:100] for module, names in list(modules.items())[:100]}
