"""What a text like `self.model.predict` or `get_model()` stands for, seen from one scope."""

import builtins
from typing import NamedTuple

from modeldoctor.readers.source.expressions import UNTELLING
from modeldoctor.readers.source.project import Project
from modeldoctor.readers.source.summary import is_property
from modeldoctor.readers.source.syntax import MAIN_BLOCK, MODULE_BODY, ClassDef, Module, Parameter, Scope

MAX_STEPS = 40  # of one resolution: assignments that lead in circles end here

# Classes that code imports from where they are defined, under the name that everybody else uses.
PUBLIC_NAMES = {
    "flask.app.Flask": "flask.Flask",
    "flask.blueprints.Blueprint": "flask.Blueprint",
    "fastapi.applications.FastAPI": "fastapi.FastAPI",
    "fastapi.routing.APIRouter": "fastapi.APIRouter",
    "fastapi.params.Depends": "fastapi.Depends",
    "django.urls.conf.path": "django.urls.path",
    "django.urls.conf.re_path": "django.urls.re_path",
    "django.apps.config.AppConfig": "django.apps.AppConfig",
    "celery.app.base.Celery": "celery.Celery",
    "celery.app.task.Task": "celery.Task",
}


class Symbol(NamedTuple):
    """What a name stands for.

    kind `function`, `class`, `instance` (of a project class), `module`: `path` is the file, `name` the scope or class.
    kind `external`: `name` is dotted, with `()` where something was called: `flask.Flask().route`; `origin` is then the
    file, the scope and the text of the first call in it.
    """

    kind: str
    path: str
    name: str
    origin: tuple[str, str, str] | None = None


class Names:
    """Resolves texts of `syntax` in their scopes. Unknown is None, never an error."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._steps = 0
        self._depth = 0
        self._cache: dict[tuple[str, str, str], Symbol | None] = {}

    def resolve(self, text: str, module: Module, scope: Scope) -> Symbol | None:
        """The symbol of a text; None when it can't be known."""
        key = (module.path, scope.name, text)
        if key in self._cache:
            return self._cache[key]
        if self._depth == 0:
            self._steps = 0
        self._depth += 1
        self._cache[key] = None  # what leads back to itself is unknown
        found = self._resolve(text, module, scope)
        self._depth -= 1
        if found is not None or self._steps <= MAX_STEPS or self._depth == 0:
            self._cache[key] = found
        else:
            del self._cache[key]  # the steps of the question around it ran out, not those of this one
        return found

    def external(self, text: str, module: Module, scope: Scope) -> str | None:
        """The dotted name of something outside the project, or None."""
        symbol = self.resolve(text, module, scope)
        return symbol.name if symbol is not None and symbol.kind == "external" else None

    def scope_of(self, symbol: Symbol) -> tuple[Module, Scope] | None:
        """The module and scope of a function symbol."""
        module = self.project.module(symbol.path)
        scope = module.scopes.get(symbol.name) if module is not None else None
        return (module, scope) if module is not None and scope is not None else None

    def class_of(self, symbol: Symbol) -> tuple[Module, ClassDef] | None:
        """The module and definition of a class or instance symbol."""
        module = self.project.module(symbol.path)
        definition = module.classes.get(symbol.name) if module is not None else None
        return (module, definition) if module is not None and definition is not None else None

    def bases(self, symbol: Symbol) -> list[Symbol]:
        """The class and what it inherits from, nearest first, project classes and external ones."""
        found: list[Symbol] = []
        queue = [Symbol("class", symbol.path, symbol.name)]
        while queue and len(found) < MAX_STEPS:
            current = queue.pop(0)
            if current in found:
                continue
            found.append(current)
            known = self.class_of(current) if current.kind == "class" else None
            if known is not None:
                module, definition = known
                scope = self._outer(module, definition.name)
                queue += [
                    base for text in definition.bases if (base := self._base(text, module, scope, current)) is not None
                ]
        return found

    def _base(self, text: str, module: Module, scope: Scope, own: Symbol) -> Symbol | None:
        """A base class; `class AppConfig(AppConfig)` inherits from what was imported under its own name."""
        base = self.resolve(text, module, scope)
        if base is not None and base.name == own.name and base.path == own.path:
            imported = module.body.imports.get(text)
            return self._imported(imported, module) if imported is not None else None
        return base

    def method(self, symbol: Symbol, name: str) -> Symbol | None:
        """The method that an instance or class runs under that name: its own or an inherited one of the project."""
        for base in self.bases(symbol):
            known = self.class_of(base) if base.kind == "class" else None
            if known is not None and name in known[1].methods:
                return Symbol("function", base.path, f"{base.name}.{name}")
        return None

    def _outer(self, module: Module, name: str) -> Scope:
        """The scope in which something of that dotted name is defined."""
        parent = name.rpartition(".")[0]
        return module.scopes.get(parent, module.body)

    def _resolve(self, text: str, module: Module, scope: Scope) -> Symbol | None:
        self._steps += 1
        if self._steps > MAX_STEPS or "?" in text or not text:
            return None
        head, *rest = _parts(text)
        symbol = self._name(head, module, scope)
        read = head
        for step in rest:
            if symbol is None:
                return None
            if step == "()":
                symbol = self._called(symbol)
                if symbol is not None and symbol.kind == "external" and symbol.origin is None:
                    symbol = symbol._replace(origin=(module.path, scope.name, read))
            elif step != "[]":
                symbol = self._attribute(symbol, step)
            elif symbol.kind == "external":
                symbol = symbol._replace(name=f"{symbol.name}[]")
            else:
                symbol = None
            read += step if step in {"()", "[]"} else f".{step}"
        return symbol

    def _name(self, name: str, module: Module, scope: Scope) -> Symbol | None:
        """A bare name: local, then enclosing functions, then the module, then builtins."""
        current: Scope | None = scope
        while current is not None and current.kind not in {"module", "main"}:
            found, symbol = self._local(name, module, current)
            if found:
                return symbol
            current = self._enclosing(module, current)
        if scope.kind == "main":
            found, symbol = self._local(name, module, scope)
            if found:
                return symbol
        found, symbol = self._member(name, module)
        if found:
            return symbol
        return Symbol("external", "", f"builtins.{name}") if hasattr(builtins, name) else None

    def _enclosing(self, module: Module, scope: Scope) -> Scope | None:
        """The function around a function; a method doesn't see its class body, but what is around the class."""
        owner = module.scopes.get(scope.owner) if scope.owner is not None else None
        name = scope.parent if scope.owner is None else owner.parent if owner is not None else None
        return module.scopes.get(name) if name else None

    def _local(self, name: str, module: Module, scope: Scope) -> tuple[bool, Symbol | None]:
        """Whether the scope itself binds the name, and to what."""
        if name in scope.globals:
            return False, None
        if scope.owner is not None and scope.parameters and name == scope.parameters[0].name:
            static = any(decorator.target == "staticmethod" for decorator in scope.decorators)
            if not static:
                kind = "class" if name == "cls" else "instance"
                return True, Symbol(kind, module.path, scope.owner)
        for parameter in scope.parameters:
            if parameter.name == name:
                return True, self._parameter(parameter, module, scope)
        nested = f"{scope.name}.{name}"
        if nested in module.classes:
            return True, Symbol("class", module.path, nested)
        if nested in module.scopes and scope.kind != "class":
            return True, Symbol("function", module.path, nested)
        if scope.kind == "class" and nested in module.scopes:
            return True, Symbol("function", module.path, nested)
        if name in scope.imports:
            return True, self._imported(scope.imports[name], module)
        if name in scope.values:
            return True, self._resolve(scope.values[name], module, scope)
        return False, None

    def _parameter(self, parameter: Parameter, module: Module, scope: Scope) -> Symbol | None:
        """`x: Model`, or `x = Depends(get_model)`: what the dependency returns."""
        dependency = self.dependency(parameter, module, scope)
        if dependency is not None:
            return self._called(dependency)
        if parameter.annotation is None or parameter.annotation in UNTELLING:
            return None
        named = self._resolve(parameter.annotation, module, self._enclosing(module, scope) or module.body)
        if named is None:
            return None
        if named.kind == "class":
            return named._replace(kind="instance")
        return named._replace(name=f"{named.name}()") if named.kind == "external" else None

    def dependency(self, parameter: Parameter, module: Module, scope: Scope) -> Symbol | None:
        """What FastAPI calls to make a parameter: `Depends(get_model)`; `Depends()` stands for the annotation."""
        default = parameter.default or ""
        if not default.endswith("()"):
            return None
        provider = self._resolve(default[:-2], module, self._enclosing(module, scope) or module.body)
        if provider is None or provider.name.rpartition(".")[2] not in {"Depends", "Security"}:
            return None
        given = [text.removeprefix("dependency=") for text in parameter.arguments]
        text = given[0] if given and "=" not in given[0] else parameter.annotation or ""
        return self._resolve(text, module, self._enclosing(module, scope) or module.body)

    def _member(self, name: str, module: Module) -> tuple[bool, Symbol | None]:
        """What a module binds under a name: a definition, an assignment (also through `global`), an import, a star."""
        if name in module.classes:
            return True, Symbol("class", module.path, name)
        if name in module.scopes and name not in {MODULE_BODY, MAIN_BLOCK}:
            return True, Symbol("function", module.path, name)
        body = module.body
        value = body.values.get(name)
        if value is not None and value not in UNTELLING:
            return True, self._resolve(value, module, body)
        for scope in module.scopes.values():
            if (name in scope.globals or scope.kind == "main") and scope.values.get(name, "None") not in UNTELLING:
                return True, self._resolve(scope.values[name], module, scope)
        if name in body.imports:
            return True, self._imported(body.imports[name], module)
        for star in body.stars:
            path = self.project.find(star, module.path)
            other = self.project.module(path) if path is not None else None
            if other is not None and other.path != module.path:
                found, symbol = self._member(name, other) if self._step() else (False, None)
                if found:
                    return True, symbol
        if value is not None:
            return True, None
        unknown = [star for star in body.stars if self.project.find(star, module.path) is None]
        # `from fastai.vision.all import *` is the only source left of a name that nothing else binds
        return (
            (True, Symbol("external", "", f"{unknown[0]}.{name}"))
            if unknown and not hasattr(builtins, name)
            else (False, None)
        )

    def _step(self) -> bool:
        self._steps += 1
        return self._steps <= MAX_STEPS

    def _imported(self, dotted: str, module: Module) -> Symbol | None:
        """An absolute dotted name: the longest project module in it, then attributes; else something external."""
        parts = dotted.split(".")
        for size in range(len(parts), 0, -1):
            path = self.project.find(".".join(parts[:size]), module.path)
            if path is None:
                continue
            symbol: Symbol | None = Symbol("module", path, ".".join(parts[:size]))
            for attribute in parts[size:]:
                symbol = self._attribute(symbol, attribute) if symbol is not None and self._step() else None
            return symbol
        return Symbol("external", "", PUBLIC_NAMES.get(dotted, dotted))

    def _attribute(self, symbol: Symbol, name: str) -> Symbol | None:
        """`symbol.name`."""
        if symbol.kind == "external":
            return symbol._replace(name=f"{symbol.name}.{name}")
        if symbol.kind == "module":
            module = self.project.module(symbol.path)
            if module is None:
                return None
            found, member = self._member(name, module) if self._step() else (False, None)
            if found:
                return member
            path = self.project.find(f"{module.name}.{name}", symbol.path)
            return Symbol("module", path, f"{symbol.name}.{name}") if path is not None else None
        if symbol.kind in {"class", "instance"}:
            return self._class_attribute(symbol, name)
        return None

    def _class_attribute(self, symbol: Symbol, name: str) -> Symbol | None:
        """A method, else what the attribute is assigned in the class body or in a method, else an external base's."""
        method = self.method(symbol, name)
        if method is not None:
            known = self.scope_of(method)
            if known is not None and is_property(known[1]):
                return self._called(method)
            return method
        for base in self.bases(symbol):
            if base.kind == "external":
                return base._replace(
                    name=f"{base.name}().{name}" if symbol.kind == "instance" else f"{base.name}.{name}"
                )
            known_class = self.class_of(base)
            value = known_class[1].attributes.get(name) if known_class is not None else None
            if known_class is not None and value is not None:
                if value in UNTELLING:
                    continue
                return self._resolve(value, known_class[0], self._assigning_scope(known_class[0], base.name, name))
        return None

    def _assigning_scope(self, module: Module, owner: str, name: str) -> Scope:
        """The scope in which `self.name` is assigned, so that its value is read with that scope's names."""
        wanted = {f"self.{name}", f"cls.{name}"}
        found = None
        for scope in module.scopes.values():
            told = [scope.values[text] for text in wanted & scope.values.keys()] if scope.owner == owner else []
            if told and (found is None or found[1] in UNTELLING):
                found = (scope, told[0])
        return found[0] if found is not None else module.scopes.get(owner, module.body)

    def _called(self, symbol: Symbol) -> Symbol | None:
        """What a call returns: an instance of a class, or what a function's return statements say."""
        if symbol.kind == "class":
            return symbol._replace(kind="instance")
        if symbol.kind == "external":
            return symbol._replace(name=f"{symbol.name}()")
        if symbol.kind == "instance":
            method = self.method(symbol, "__call__")
            return self._called(method) if method is not None and self._step() else None
        known = self.scope_of(symbol) if symbol.kind == "function" else None
        if known is None:
            return None
        for text in known[1].returned:
            returned = self._resolve(text, *known) if text not in UNTELLING and self._step() else None
            if returned is not None:
                return returned
        return None


def _parts(text: str) -> list[str]:
    """`a.b().c[]` → `a`, `b`, `()`, `c`, `[]`."""
    return [piece for piece in text.replace("()", ".()").replace("[]", ".[]").split(".") if piece]
