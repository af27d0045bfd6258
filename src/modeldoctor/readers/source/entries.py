"""Where the frameworks call into the project."""

from collections.abc import Iterable, Iterator, Mapping

from modeldoctor.readers.source.frameworks import FRAMEWORKS, Entry, Framework
from modeldoctor.readers.source.frameworks.base import lookup
from modeldoctor.readers.source.names import Names, Symbol
from modeldoctor.readers.source.syntax import ClassDef, Module, Scope

_KINDS = {"request": "handler", "startup": "start-up hook", "background": "task", "script": "command"}
_TESTS = ("test_", "tests_", "conftest")


def is_test(path: str) -> bool:
    """Whether a file is run by tests only."""
    *folders, name = path.split("/")
    return name.startswith(_TESTS) or name.endswith("_test.py") or not {"tests", "test"}.isdisjoint(folders)


def entry_points(module: Module, names: Names) -> Iterator[Entry]:
    """What the frameworks run of this module."""
    for scope in module.scopes.values():
        yield from _decorated(scope, module, names)
        yield from _passed(scope, module, names)
        yield from _factories(scope, module, names)
    for definition in module.classes.values():
        yield from _inherited(definition, module, names)
    for framework in FRAMEWORKS:
        if framework.find is not None:
            yield from framework.find(module, names)


def _by_last(tables: Iterable[tuple[Framework, Iterable[str]]]) -> dict[str, list[Framework]]:
    """The frameworks by the last parts of the names in their tables: a cheap test before anything is resolved."""
    found: dict[str, list[Framework]] = {}
    for framework, table in tables:
        for last in {name.rpartition(".")[2] for name in table}:
            found.setdefault(last, []).append(framework)
    return found


_DECORATORS = _by_last((each, each.decorators) for each in FRAMEWORKS)
_CALLS = _by_last((each, each.calls) for each in FRAMEWORKS)
_MAKERS = _by_last((each, each.makes) for each in FRAMEWORKS)

# Last names of decorators that reveal a framework in a file that does not import it.
REVEALING = frozenset(_DECORATORS)


def _decorated(scope: Scope, module: Module, names: Names) -> Iterator[Entry]:
    for decorator in scope.decorators:
        candidates = _DECORATORS.get(decorator.target.rpartition(".")[2])
        target = names.external(decorator.target, module, module.around(scope)) if candidates else None
        for framework in candidates or () if target is not None else ():
            context = lookup(framework.decorators, target or "")
            if context is not None:
                route = decorator.literals[0] if decorator.literals else None
                label = f"{_kind(context)} for {route}" if route else f"{_kind(context)} {scope.name}"
                yield _entry(framework, context, Symbol("function", module.path, scope.name), label)


def _inherited(definition: ClassDef, module: Module, names: Names) -> Iterator[Entry]:
    """`@serve.deployment class Model:` is to its methods what a base class is elsewhere."""
    own = Symbol("class", module.path, definition.name)
    targets = [names.external(decorator.target, module, module.body) for decorator in definition.decorators]
    revealing = [f"@{target}" for target in targets if target is not None]
    revealing += [base.name for base in names.bases(own) if base.kind == "external"]
    for name in revealing:
        for framework in FRAMEWORKS:
            methods = lookup(framework.bases, name)
            if methods is not None:
                yield from _methods(module, own, definition, methods, names, framework)


def _methods(
    module: Module, own: Symbol, definition: ClassDef, methods: Mapping[str, str], names: Names, framework: Framework
) -> Iterator[Entry]:
    """The methods a framework calls; `*` is every public one that is neither named nor called by the class itself."""
    shared = definition.constants.get("init_every_request") == "False"  # flask/views.py, View.as_view
    for name, context in methods.items():
        for method in _others(module, definition, methods) if name == "*" else [name]:
            symbol = names.method(own, method)
            if symbol is not None and not (name == "*" and method.startswith("_")):
                once = context.removeprefix("fresh ") if shared else context
                if shared and method == "__init__":
                    once = "startup"
                yield _entry(framework, once, symbol, f"{definition.name}.{method}")._replace(receiver=own)


def _others(module: Module, definition: ClassDef, methods: Mapping[str, str]) -> list[str]:
    own = {
        call.target.removeprefix("self.")
        for scope in module.scopes.values()
        if scope.owner == definition.name
        for call in scope.calls
        if call.target.startswith("self.")
    }
    return sorted(definition.methods - methods.keys() - own)


def _passed(scope: Scope, module: Module, names: Names) -> Iterator[Entry]:
    for call in scope.calls:
        candidates = _CALLS.get(call.target.rpartition(".")[2])
        target = names.external(call.target, module, scope) if candidates else None
        for framework in candidates or () if target is not None else ():
            for argument, context in lookup(framework.calls, target or "") or ():
                for text in _arguments(call.arguments, argument):
                    symbol = names.resolve(text, module, scope)
                    yield from _given(symbol, framework, context, str(target), names)


def _given(symbol: Symbol | None, framework: Framework, context: str, target: str, names: Names) -> Iterator[Entry]:
    """A function that is handed over; a class, which is made each time it is called; an object that can be called."""
    if symbol is None:
        return
    dependency = target.rpartition(".")[2] in {"Depends", "Security"}
    what = "dependency" if dependency else f"{_kind(context)} given to {target.rpartition('.')[2]}"
    if symbol.kind == "function":
        yield _entry(framework, context, symbol, f"{what} {symbol.name}")
    elif symbol.kind in {"class", "instance"}:
        fresh = "fresh " if symbol.kind == "class" and not context.startswith("fresh ") else ""
        methods = ("__new__", "__init__") if symbol.kind == "class" else ("__call__", "forward")
        for method in methods:
            found = names.method(symbol, method)
            if found is not None:
                yield _entry(framework, fresh + context, found, f"{what} {symbol.name}")._replace(
                    receiver=symbol._replace(kind="class")
                )


def _factories(scope: Scope, module: Module, names: Names) -> Iterator[Entry]:
    """Functions that make an application, and the body of a file that does."""
    for call in scope.calls:
        candidates = _MAKERS.get(call.target.rpartition(".")[2])
        target = names.external(call.target, module, scope) if candidates else None
        for framework in candidates or ():
            if target in framework.makes:
                inside = scope.kind in {"function", "async"}
                label = f"factory {scope.name}" if inside else f"import of {module.path}"
                receiver = Symbol("class", module.path, scope.owner) if scope.owner is not None else None
                symbol = Symbol("function", module.path, scope.name)
                yield Entry(framework.name, "startup" if inside else "import", symbol, label, receiver=receiver)
                return


def _arguments(arguments: tuple[str, ...], wanted: int | str) -> list[str]:
    """The texts of an argument by position or keyword; several where a list is passed."""
    if isinstance(wanted, str):
        return [text.partition("=")[2] for text in arguments if text.startswith(f"{wanted}=")]
    positional = [text for text in arguments if "=" not in text]
    return positional[wanted : wanted + 1]


def _entry(framework: Framework, context: str, symbol: Symbol, label: str) -> Entry:
    fresh = context.startswith("fresh ")
    return Entry(framework.name, context.removeprefix("fresh "), symbol, label, fresh)


def _kind(context: str) -> str:
    """The word for it."""
    return _KINDS[context.removeprefix("fresh ")]
