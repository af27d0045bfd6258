"""What one framework says about when code runs: data, and small functions for what data can't say."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from modeldoctor.readers.source.names import Names, Symbol
from modeldoctor.readers.source.syntax import Module

Value = TypeVar("Value")

# request: per request, event or message; startup: once per process before it serves; background: in a task or thread
# that a request started or a queue feeds; script: only when somebody runs that command.
CONTEXTS = ("request", "startup", "background", "script")


class Entry(NamedTuple):
    """A scope that the framework calls. `label` names it for a person (`view for /predict`).

    `fresh`: `self` is a new object each time, as in a Django class-based view. `receiver` is the class of `self` where
    the function is inherited.
    """

    framework: str
    context: str
    function: Symbol
    label: str
    fresh: bool = False
    receiver: Symbol | None = None


class Framework(NamedTuple):
    """One framework.

    `packages`: words that reveal it in a file. Names in the tables are dotted as `Names` resolves them, with `()`
    where an object was made: `flask.Flask().route`. A name that ends in `.*` stands for everything below it, and
    `gradio.**.click` for `click` of anything in the package.
    `decorators`: decorator → context of the decorated function.
    `bases`: base class → method → context (`*` for every public method); a context `fresh …` makes a new object each
    time.
    `calls`: function → which argument (position or keyword) is a function that runs in which context.
    `find`: further entry points of one module. `makes`: what makes an application: a function that calls it is a
    factory, a file is served. `served`: files of these names are imported when the service starts.
    """

    name: str
    packages: tuple[str, ...]
    decorators: Mapping[str, str] = MappingProxyType({})
    bases: Mapping[str, Mapping[str, str]] = MappingProxyType({})
    calls: Mapping[str, tuple[tuple[int | str, str], ...]] = MappingProxyType({})
    find: Callable[[Module, Names], Iterator[Entry]] | None = None
    makes: tuple[str, ...] = ()
    served: tuple[str, ...] = ()


def lookup(table: Mapping[str, Value], name: str) -> Value | None:
    """The entry for a dotted name: its own, that of `package.**.last`, or that of the nearest `parent.*`."""
    found = table.get(name) or table.get(f"{name.partition('.')[0]}.**.{name.rpartition('.')[2]}")
    while found is None and "." in name:
        name = name.rpartition(".")[0]
        found = table.get(f"{name}.*")
    return found
