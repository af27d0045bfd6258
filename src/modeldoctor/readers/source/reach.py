"""Which scopes run in which context, and through what: a breadth-first walk over calls."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from modeldoctor.readers.source.expressions import UNTELLING
from modeldoctor.readers.source.frameworks import Entry, registers
from modeldoctor.readers.source.names import Names, Symbol
from modeldoctor.readers.source.once import Once, cached_by, guarded, is_singleton, makes_new
from modeldoctor.readers.source.summary import is_property
from modeldoctor.readers.source.syntax import CallSite, Module, Scope

MAX_HOPS = 8  # real per-request loads stand up to four hops away; a chain longer than this explains nothing
MAX_STATES = 50_000  # scopes visited per context: bounds the walk on generated code


class Step(NamedTuple):
    """One call of a chain: where it stands and ends, the scope that makes it, what it calls (`Depends(get_model)`)."""

    path: str
    line: int
    column: int
    scope: str
    target: str
    end: tuple[int, int] | None = None


class Visit(NamedTuple):
    """A scope that runs in a context. `once` says what makes it run once there (None: each time).

    `receiver` is the class of `self` where that is known: its methods hide those of the class the code stands in.
    `loop`: it runs on the event loop, not in a thread. `given`: parameters with the default None that are passed.
    """

    entry: Entry
    scope: Symbol
    fresh: bool
    once: Once | None
    chain: tuple[Step, ...]
    receiver: Symbol | None = None
    loop: bool = False
    given: frozenset[str] = frozenset()


# External callables that run a function argument later, elsewhere; everything else is taken to call it right away.
BACKGROUND = frozenset(
    {
        "threading.Thread",
        "threading.Timer",
        "multiprocessing.Process",
        "torch.multiprocessing.Process",
        "fastapi.BackgroundTasks().add_task",
        "starlette.background.BackgroundTask",
        "starlette.background.BackgroundTasks().add_task",
    }
)
# Last names of what runs a function in a thread or process, so that the event loop goes on.
OFFLOADING = frozenset(
    {"run_in_executor", "to_thread", "run_in_threadpool", "run_sync", "submit", "sync_to_async",
     "database_sync_to_async", "apply_async", "map_async", "Thread", "Process", "start_soon", "add_task"}
)  # fmt: skip
# What runs when an object is made, and what when it is called.
_MAKING = ("__new__", "__init__", "__post_init__")
_CALLING = ("__call__", "forward")


class Walk:
    """Every reached scope with its visits: one running each time and one running once per (context, fresh)."""

    def __init__(self, names: Names, cached_getters: tuple[str, ...] = ()) -> None:
        self.names = names
        self.cached_getters = cached_getters
        self.visits: dict[Symbol, list[Visit]] = {}
        self.seen: set[tuple[Symbol, str, bool, bool, Symbol | None, bool, frozenset[str]]] = set()

    def follow(self, entries: Iterable[Entry]) -> None:
        """Follow what runs from these; what an earlier call reached is not reached again."""
        queue = deque(Visit(entry, entry.function, entry.fresh, None, (), entry.receiver) for entry in entries)
        while queue and len(self.seen) < MAX_STATES:
            visit = queue.popleft()
            known = self.names.scope_of(visit.scope)
            if known is None:
                continue
            visit = visit._replace(loop=visit.loop or known[1].kind == "async")
            once = visit.once is not None
            key = (visit.scope, visit.entry.context, visit.fresh, once, visit.receiver, visit.loop, visit.given)
            if key in self.seen:
                continue
            self.seen.add(key)
            if visit.once is None:
                visit = visit._replace(once=self.kept(*known, fresh=visit.fresh))
            self.visits.setdefault(visit.scope, []).append(visit)
            if len(visit.chain) < MAX_HOPS:
                queue.extend(self.called_from(visit, *known))

    def kept(self, module: Module, scope: Scope, *, fresh: bool) -> Once | None:
        """What keeps the result of a function: a caching decorator, or one of the project's own that does the same."""
        once = cached_by(scope, module, self.names, fresh=fresh, extra=self.cached_getters)
        if once is not None:
            return once
        for wrapper_module, wrapper, parameter in self.wrappers(module, scope):
            for call in wrapper.calls:
                if call.target == parameter and call.guard is not None:
                    found = guarded(call, wrapper_module, wrapper, self.names, fresh=False)
                    if found is not None:
                        return found._replace(kind="wrapper")
        return None

    def wrappers(self, module: Module, scope: Scope) -> Iterator[tuple[Module, Scope, str]]:
        """The functions of the project that stand around a decorated one, and the name it has there."""
        for decorator in scope.decorators:
            symbol = self.names.resolve(decorator.target, module, module.around(scope))
            known = self.names.scope_of(symbol) if symbol is not None and symbol.kind == "function" else None
            if known is None:
                continue
            other, maker = known
            depth = 2 if decorator.called else 1
            for inner in other.scopes.values():
                if inner.kind not in {"function", "async"} or not inner.name.startswith(f"{maker.name}."):
                    continue
                outer = other.scopes.get(inner.parent or "")
                if inner.name.count(".") - maker.name.count(".") == depth and outer is not None and outer.parameters:
                    yield other, inner, outer.parameters[0].name

    def called_from(self, visit: Visit, module: Module, scope: Scope) -> Iterator[Visit]:
        """What runs because this scope does."""
        yield from self.inner(visit, module, scope)
        for call in scope.calls:
            if passed_over(call, visit):
                continue
            once = visit.once or guarded(call, module, scope, self.names, fresh=visit.fresh)
            end = (call.end_line, call.end_column)
            step = Step(module.path, call.line, call.column, scope.name, call.target, end)
            for callee in self.callees(call, module, scope, visit):
                later = callee.background and visit.entry.context == "request"
                entry = visit.entry._replace(context="background") if later else visit.entry
                chain = (*visit.chain, step)
                loop = visit.loop and not callee.elsewhere
                given = self.given(call, callee.symbol) if not callee.handed else frozenset()
                yield Visit(
                    entry, callee.symbol, callee.fresh, once or callee.once, chain, callee.receiver, loop, given
                )
        for text in sorted(scope.reads | {call.target for call in scope.calls}):
            last = text.rpartition(".")[2]
            if last not in self.names.project.properties:
                continue
            found = self.property(text, module, scope)
            if found is not None:
                fresh = self.fresh_owner(text.rpartition(".")[0], module, scope, fresh=visit.fresh)
                step = Step(module.path, scope.line, 1, scope.name, text)
                yield Visit(visit.entry, found, fresh, visit.once, (*visit.chain, step), self.owner(found), visit.loop)

    def given(self, call: CallSite, symbol: Symbol) -> frozenset[str]:
        """The parameters with the default None that a call passes something for."""
        known = self.names.scope_of(symbol)
        parameters = known[1].parameters if known is not None else ()
        if not any(parameter.default == "None" for parameter in parameters):
            return frozenset()
        names = [parameter.name for parameter in parameters if parameter.name not in {"self", "cls"}]
        positional = [text for text in call.arguments if "=" not in text]
        given = {name for name, text in zip(names, positional, strict=False) if text != "None"}
        given |= {text.partition("=")[0] for text in call.arguments if "=" in text and not text.endswith("=None")}
        return frozenset(p.name for p in parameters if p.default == "None" and p.name in given)

    def inner(self, visit: Visit, module: Module, scope: Scope) -> Iterator[Visit]:
        """Class bodies, dependencies of the parameters, and the project's own decorators around a handler."""
        outer = scope.name if scope.kind not in {"module", "main"} else None
        for each in module.scopes.values():
            if each.kind == "class" and scope.kind != "main" and each.parent == outer:
                yield visit._replace(scope=Symbol("function", module.path, each.name))
        for parameter in scope.parameters:
            found = self.names.dependency(parameter, module, scope) if visit.entry.context == "request" else None
            if found is not None:
                step = Step(module.path, parameter.line, parameter.column, scope.name, f"Depends({found.name})")
                for symbol, fresh in self.run_by(found):
                    receiver = found._replace(kind="class") if found.kind != "function" else None
                    yield Visit(visit.entry, symbol, fresh, visit.once, (*visit.chain, step), receiver)
        if not visit.chain:
            for other, wrapper, _ in self.wrappers(module, scope):
                step = Step(module.path, scope.line, 1, scope.name, f"@{wrapper.name.partition('.')[0]}")
                yield Visit(visit.entry, Symbol("function", other.path, wrapper.name), False, visit.once, (step,))

    def run_by(self, symbol: Symbol) -> list[tuple[Symbol, bool]]:
        """What calling a symbol runs, each with whether its `self` is new."""
        if symbol.kind == "function":
            return [(symbol, False)]
        if symbol.kind == "class":
            return [(found, True) for name in _MAKING if (found := self.names.method(symbol, name)) is not None]
        if symbol.kind == "instance":
            return [(found, False) for name in _CALLING if (found := self.names.method(symbol, name)) is not None][:1]
        return []

    def property(self, text: str, module: Module, scope: Scope) -> Symbol | None:
        """The property that an attribute is."""
        owner = self.names.resolve(text.rpartition(".")[0], module, scope)
        if owner is None or owner.kind != "instance":
            return None
        method = self.names.method(owner, text.rpartition(".")[2])
        known = self.names.scope_of(method) if method is not None else None
        return method if known is not None and is_property(known[1]) else None

    def owner(self, function: Symbol) -> Symbol | None:
        """The class a method stands in."""
        known = self.names.scope_of(function)
        owner = known[1].owner if known is not None else None
        return Symbol("class", function.path, owner) if owner is not None else None

    def receiver(self, target: str, found: Symbol, module: Module, scope: Scope, visit: Visit) -> Symbol | None:
        """The class of the object whose method is called."""
        head = target.rpartition(".")[0]
        if head in {"self", "cls", "super()"}:
            return visit.receiver or self.owner(found)
        owner = self.names.resolve(head, module, scope) if head else None
        return owner._replace(kind="class") if owner is not None and owner.kind in {"class", "instance"} else None

    def callees(self, call: CallSite, module: Module, scope: Scope, visit: Visit) -> "Iterator[Callee]":
        """The project scopes that a call runs."""
        symbol, fresh = self.names.resolve(call.target, module, scope), visit.fresh
        owner, _, name = call.target.rpartition(".")
        if owner in {"self", "cls"} and visit.receiver is not None:
            symbol = self.names.method(visit.receiver, name) or symbol
        if symbol is not None and symbol.kind == "class":
            yield from self.construction(symbol, call)
        elif symbol is not None and symbol.kind == "function":
            receiver = self.receiver(call.target, symbol, module, scope, visit)
            yield Callee(symbol, self.fresh_owner(owner, module, scope, fresh=fresh), receiver)
        elif symbol is not None:
            for found, _ in self.run_by(symbol):
                receiver = symbol._replace(kind="class")
                yield Callee(found, self.fresh_owner(call.target, module, scope, fresh=fresh), receiver)
        background = symbol is not None and symbol.kind == "external" and symbol.name in BACKGROUND
        if symbol is not None and symbol.name.rpartition(".")[2] in {"Depends", "Security"}:
            return  # seen from the parameter it stands for
        if visit.entry.context in {"import", "startup"} and symbol is not None and registers(symbol.name):
            return  # `path("predict/", view)` keeps the function for later
        for text in call.arguments:
            value = text.partition("=")[2] if "=" in text else text
            if value in UNTELLING or value.endswith("()"):
                continue  # the call inside an argument is a call site of its own
            passed = self.names.resolve(value, module, scope)
            if passed is not None and passed.kind == "function":
                owner = value.rpartition(".")[0]
                receiver = self.receiver(value, passed, module, scope, visit)
                given = self.fresh_owner(owner, module, scope, fresh=fresh)
                elsewhere = background or call.target.rpartition(".")[2] in OFFLOADING
                yield Callee(passed, given, receiver, background=background, elsewhere=elsewhere, handed=True)

    def construction(self, symbol: Symbol, call: CallSite) -> "Iterator[Callee]":
        """Making an object; a metaclass that keeps one runs `__init__` for the first only."""
        single = is_singleton(symbol, self.names)
        once = None
        if single == "metaclass":
            once = Once("singleton", f"`{symbol.name}` is a singleton", call.line, call.locked)
        for name in (*_MAKING, *(("__enter__", "__aenter__") if call.place == "with" else ())):
            found = self.names.method(symbol, name)
            if found is not None:
                yield Callee(found, single is None, symbol, once=once)

    def fresh_owner(self, owner: str, module: Module, scope: Scope, *, fresh: bool) -> bool:
        """Whether the object whose method is called was made for this request."""
        if owner in {"self", "cls", "super()"}:
            return fresh
        head, _, attribute = owner.partition(".")
        if head == "self" and attribute and "." not in attribute and scope.owner is not None:
            return fresh and self.made_by_self(attribute, module, scope.owner)
        return bool(owner) and makes_new(owner, module, scope, self.names)

    def made_by_self(self, attribute: str, module: Module, owner: str) -> bool:
        """Whether `self.attribute` is made with `self` (`self.net = Net()`), not in the class body."""
        for each in module.scopes.values():
            value = each.values.get(f"self.{attribute}") if each.owner == owner else None
            if value is not None:
                return makes_new(value, module, each, self.names)
        return False


def passed_over(call: CallSite, visit: Visit) -> bool:
    """Whether a call stands under `if model is None:` of a parameter that the caller passes."""
    return call.guard is not None and not visit.given.isdisjoint(call.guard.subjects)


class Callee(NamedTuple):
    """A scope that a call runs: is its `self` new, does it run in the background or elsewhere, was it handed over."""

    symbol: Symbol
    fresh: bool
    receiver: Symbol | None
    background: bool = False
    elsewhere: bool = False
    handed: bool = False
    once: Once | None = None
