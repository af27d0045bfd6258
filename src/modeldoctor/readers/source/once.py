"""What makes code run once although it is called often, and what only looks like it."""

from typing import NamedTuple

from modeldoctor.readers.source.expressions import UNTELLING
from modeldoctor.readers.source.names import Names, Symbol
from modeldoctor.readers.source.syntax import CallSite, Decorator, Module, Scope

# Decorators that keep a result for the life of the process: `keyed` one per arguments, `instance` one per object.
CACHING = {
    "functools.lru_cache": "keyed",
    "functools.cache": "keyed",
    "functools.cached_property": "instance",
    "django.utils.functional.cached_property": "instance",
    "werkzeug.utils.cached_property": "instance",
    "cached_property.cached_property": "instance",
    "cachetools.cached": "keyed",
    "cachetools.func.lru_cache": "keyed",
    "cachetools.func.ttl_cache": "keyed",
    "joblib.Memory().cache": "keyed",
    "streamlit.cache_resource": "keyed",
    "streamlit.cache_data": "keyed",
    "streamlit.cache": "keyed",
    "streamlit.experimental_singleton": "keyed",
    "streamlit.experimental_memo": "keyed",
    "async_lru.alru_cache": "keyed",
    "aiocache.cached": "keyed",
}

# Objects that live as long as one request: a test on them guards nothing.
PER_REQUEST = ("flask.g", "flask.request", "flask.session", "quart.g", "quart.request", "quart.session",
               "streamlit.session_state", "contextvars.ContextVar")  # fmt: skip
PER_THREAD = ("threading.local", "asgiref.local.Local", "werkzeug.local.Local", "gevent.local.local")

# Words in the name of a method that says whether something is there: `self.is_loaded()`, `ready.is_set()`.
_LOADED = ("load", "init", "ready", "is_set", "cached", "warm", "has_", "exist")
# Methods that put something into a container that is no dict.
_WRITERS = frozenset({"set", "add", "append", "update", "register", "put", "store", "insert", "setdefault", "save"})

MAX_ALIASES = 4  # local names that stand for each other: `m = cache.get(k)`, `cache = self.cache`


class Once(NamedTuple):
    """Why something runs once: kind `guard`, `cache`, `singleton` or `wrapper`, `text` in words.

    `locked`: not two threads at a time. `scope`: one per `process`, `thread` or `key` (arguments of a cached function).
    """

    kind: str
    text: str
    line: int
    locked: bool
    scope: str = "process"


def caching(decorator: Decorator, around: Scope, module: Module, names: Names, extra: tuple[str, ...]) -> str | None:
    """`keyed` or `instance` when the decorator keeps results; `extra` are names from the configuration."""
    target = names.external(decorator.target, module, around) or decorator.target
    return "keyed" if target in extra else CACHING.get(target.removesuffix("()"))


def cached_by(scope: Scope, module: Module, names: Names, *, fresh: bool, extra: tuple[str, ...] = ()) -> Once | None:
    """The decorator that keeps this function's result; `fresh`: `self` is new, so what is kept with it is not there."""
    around = module.around(scope)
    for decorator in scope.decorators:
        kind = caching(decorator, around, module, names, extra)
        bound = kind == "instance" or (scope.owner is not None and not _without_self(scope))
        if kind is None or (bound and fresh):
            continue
        keys = len(scope.parameters) - (1 if scope.owner is not None and not _without_self(scope) else 0)
        return Once("cache", f"cached by `@{decorator.target}`", decorator.line, locked=False,
                    scope="key" if keys > 0 and kind == "keyed" else "process")  # fmt: skip
    return None


def _without_self(scope: Scope) -> bool:
    return any(decorator.target == "staticmethod" for decorator in scope.decorators)


def guarded(call: CallSite, module: Module, scope: Scope, names: Names, *, fresh: bool) -> Once | None:
    """Why the guard over a call holds: what it tests outlives the request and is set somewhere."""
    for subject in call.guard.subjects if call.guard is not None else ():
        if _outlives(subject, module, scope, names, fresh=fresh) and _written(subject, module, scope, names):
            assert call.guard is not None
            text = f"guarded by the test of `{subject.removesuffix('[]')}` in line {call.guard.line}"
            # On the event loop nothing else runs between the test and a call that is not awaited.
            locked = call.locked or (scope.kind == "async" and not call.awaited)
            kind = "thread" if _per_thread(subject, module, scope, names) else "process"
            return Once("guard", text, call.guard.line, locked, kind)
    return None


def _per_thread(subject: str, module: Module, scope: Scope, names: Names) -> bool:
    found = names.external(subject.partition(".")[0], module, scope)
    return found is not None and found.removesuffix("()") in PER_THREAD


def _base(subject: str) -> str:
    """`cache.get()` and `cache[]` are tests of what is in `cache`."""
    text = subject.removesuffix("[]")
    return text.removesuffix(".get()") if text.endswith(".get()") else text


def _outlives(subject: str, module: Module, scope: Scope, names: Names, *, fresh: bool, aliases: int = 0) -> bool:
    """Whether what is tested lives longer than the request."""
    text = _base(subject)
    head, _, rest = text.partition(".")
    name = head.removesuffix("[]").removesuffix("()")
    external = names.external(text, module, scope)
    if external is not None and external.startswith(PER_REQUEST):
        return False
    if name == "globals":
        return True
    if name in {"self", "cls"} and scope.owner is not None:
        return not fresh or name == "cls" or _class_level(rest, module, scope)
    if name in scope.globals:
        return True
    if name in {parameter.name for parameter in scope.parameters}:
        # `request.app.state.model` and a passed application live on; anything else that is passed may be new
        return rest.startswith(("app.", "state.")) or name in {"app", "application", "cls"}
    if scope.kind in {"module", "main"} or name not in scope.values:
        return True  # a name of the module, or of the function around this one
    value = scope.values[name]
    if value in UNTELLING or aliases >= MAX_ALIASES or value.partition(".")[0] == name:
        return False
    if value.endswith("()") and not value.endswith(".get()"):
        # what a call returned is new, unless an attribute is tested of an object that was there before
        return bool(rest) and not makes_new(name, module, scope, names)
    return _outlives(value, module, scope, names, fresh=fresh, aliases=aliases + 1)


def _class_level(attribute: str, module: Module, scope: Scope) -> bool:
    """Whether `self.attribute` is set on the class: `type(self).model = …`, `View.model = …`, a dict of the class."""
    name = attribute.partition(".")[0].removesuffix("[]")
    owner = (scope.owner or "").rpartition(".")[2]
    stored = {text for each in module.scopes.values() for text in each.values}
    if {f"{owner}.{name}", f"cls.{name}", f"type().{name}", f"self.__class__.{name}"} & stored:
        return True
    definition = module.classes.get(scope.owner or "")
    body = module.scopes.get(scope.owner or "")
    in_body = body is not None and name in body.values
    return in_body and definition is not None and f"self.{name}[]" in stored


def _written(subject: str, module: Module, scope: Scope, names: Names) -> bool:
    """Whether something sets what is tested; a test of a setting guards nothing."""
    text = _base(subject)
    last = text.removesuffix("()").rpartition(".")[2]
    if text.endswith("()"):
        return any(word in last.lower() for word in _LOADED)
    if any(call.target.rpartition(".")[0] == text and call.target.rpartition(".")[2] in _WRITERS
           for call in scope.calls):  # fmt: skip
        return True
    if "." not in text:
        if _stored_globally(text, module) or f"{text}[]" in {
            key for each in module.scopes.values() for key in each.values
        }:
            return True
        value = scope.values.get(text)
        if value is not None and scope.kind not in {"module", "main"} and value not in UNTELLING and value != text:
            return _written(value, module, scope, names)
        imported = names.resolve(text, module, scope)
        return imported is not None and imported.kind in {"instance", "external"} and text in scope.values
    for each in module.scopes.values():
        for stored in each.values:
            if stored.removesuffix("[]").rpartition(".")[2] == last and "." in stored:
                return True
    owner = names.resolve(text.rpartition(".")[0], module, scope)
    if owner is not None and owner.kind == "module":
        other = names.project.module(owner.path)
        return other is not None and _stored_globally(last, other)
    return owner is not None and owner.kind in {"instance", "class"} and _attribute_of_base(owner, last, names)


def _stored_globally(name: str, module: Module) -> bool:
    return any(name in each.globals and name in each.values for each in module.scopes.values())


def _attribute_of_base(owner: Symbol, name: str, names: Names) -> bool:
    """Whether the class or one it inherits from sets the attribute in a method."""
    for base in names.bases(owner):
        known = names.class_of(base) if base.kind == "class" else None
        if known is not None and any(
            {f"self.{name}", f"cls.{name}", f"self.{name}[]", f"cls.{name}[]"} & each.values.keys()
            for each in known[0].scopes.values()
            if each.owner == known[1].name and not each.name.endswith(".__init__")
        ):
            return True
    return False


def returns_new(function: Symbol, names: Names, depth: int = 0) -> bool:
    """Whether a project function makes a new object of a project class for each call: `return Model()`."""
    known = names.scope_of(function)
    if known is None or depth > MAX_ALIASES:
        return False
    module, scope = known
    if scope.yield_line is None and cached_by(scope, module, names, fresh=False) is not None:
        return False
    return any(makes_new(text, module, scope, names, depth + 1) for text in scope.returned if text not in UNTELLING)


def makes_new(text: str, module: Module, scope: Scope, names: Names, depth: int = 0) -> bool:
    """Whether a text stands for an object made here: `Model()`, `make()`, or a local name that holds one."""
    if depth > MAX_ALIASES:
        return False
    if text.endswith("()"):
        maker = names.resolve(text[:-2], module, scope)
        if maker is None:
            return False
        if maker.kind == "class":
            return is_singleton(maker, names) is None
        return maker.kind == "function" and returns_new(maker, names, depth + 1)
    if "." in text or text in scope.globals or scope.kind in {"module", "main", "class"}:
        return False
    for parameter in scope.parameters:
        made = names.dependency(parameter, module, scope) if parameter.name == text else None
        if made is not None:
            return made.kind == "class" or (made.kind == "function" and returns_new(made, names, depth + 1))
    value = scope.values.get(text)
    if value is None or value in UNTELLING or value == text:
        return False
    guards = [call.guard for call in scope.calls if call.target == value.removesuffix("()") and call.guard is not None]
    if any(text in guard.subjects for guard in guards):
        return False  # `if model is None: model = Model()`: what was there before counts
    return makes_new(value, module, scope, names, depth + 1)


def is_singleton(symbol: Symbol, names: Names) -> str | None:
    """`new` when `__new__` keeps one object (`__init__` still runs each time), `metaclass` when nothing runs again."""
    for base in names.bases(symbol):
        known = names.class_of(base) if base.kind == "class" else None
        if known is None:
            continue
        module, definition = known
        creator = module.scopes.get(f"{definition.name}.__new__")
        if creator is not None and any(call.guard is not None for call in creator.calls):
            return "new"
        for decorator in definition.decorators:
            if "singleton" in decorator.target.lower():
                return "metaclass"
        for keyword, text in definition.keywords:
            found = names.resolve(text, module, module.body) if keyword == "metaclass" else None
            caller = names.method(found, "__call__") if found is not None and found.kind == "class" else None
            scope = names.scope_of(caller) if caller is not None else None
            if scope is not None and any(call.guard is not None for call in scope[1].calls):
                return "metaclass"
    return None
