"""One pass over a parsed file → its `Module`."""

import ast

from modeldoctor.readers.source.expressions import (
    UNTELLING,
    Guard,
    annotation_text,
    cache_read,
    children,
    is_main_test,
    leaves,
    missing_test,
    passed,
    present_test,
    text_of,
)
from modeldoctor.readers.source.syntax import (
    MAIN_BLOCK,
    MODULE_BODY,
    CallSite,
    ClassDef,
    Decorator,
    Module,
    Parameter,
    Scope,
    absolute,
)

Function = ast.FunctionDef | ast.AsyncFunctionDef

_PROPERTIES = frozenset({"property", "cached_property", "functools.cached_property", "threaded_cached_property"})


def summarise(tree: ast.Module, path: str, name: str, *, is_package: bool) -> Module:
    """The summary of a parsed file."""
    reader = _Reader(name, is_package=is_package)
    reader.scope(MODULE_BODY, "module", tree, tree.body)
    properties = frozenset(
        scope.name.rpartition(".")[2] for scope in reader.scopes.values() if is_property(scope) and scope.owner
    )
    return Module(path, name, is_package, reader.scopes, reader.classes, properties)


def is_property(scope: Scope) -> bool:
    """Whether reading the attribute of that name runs the function."""
    return any(decorator.target in _PROPERTIES for decorator in scope.decorators)


class _Frame:
    """What is being collected for one scope."""

    def __init__(self) -> None:
        self.calls: list[CallSite] = []
        self.values: dict[str, str] = {}
        self.returned: list[str] = []
        self.reads: set[str] = set()
        self.globals: set[str] = set()
        self.imports: dict[str, str] = {}
        self.stars: list[str] = []
        self.yield_line: int | None = None


class _Reader:
    """The scopes and classes of one file, as far as they have been read."""

    def __init__(self, module: str, *, is_package: bool) -> None:
        self.module = module
        self.is_package = is_package
        self.scopes: dict[str, Scope] = {}
        self.classes: dict[str, ClassDef] = {}

    def scope(
        self,
        name: str,
        kind: str,
        node: ast.AST,
        body: list[ast.stmt],
        *,
        owner: str | None = None,
        parent: str | None = None,
        parameters: tuple[Parameter, ...] = (),
        decorators: tuple[Decorator, ...] = (),
    ) -> None:
        """Read one body as a scope of its own."""
        while name in self.scopes:  # two functions of one name: both exist, e.g. two routes called `index`
            name += "'"
        frame = _Frame()
        _Walker(self, frame, name, kind).block(body, None)
        line, end = getattr(node, "lineno", 1), getattr(node, "end_lineno", None)
        self.scopes[name] = Scope(
            name, kind, line, end or line, owner, parent, parameters, decorators, tuple(frame.calls), frame.values,
            tuple(frame.returned), frozenset(frame.reads), frozenset(frame.globals), frame.imports, tuple(frame.stars),
            frame.yield_line,
        )  # fmt: skip


class _Walker:
    """Statements of one scope, in order, with the guard that stands over them."""

    def __init__(self, reader: _Reader, frame: _Frame, name: str, kind: str) -> None:
        self.reader = reader
        self.frame = frame
        self.name = name
        self.kind = kind
        self.locked = False

    def qualified(self, name: str) -> str:
        """The dotted name of something defined in this scope."""
        return name if self.name in {MODULE_BODY, MAIN_BLOCK} else f"{self.name}.{name}"

    def block(self, body: list[ast.stmt], guard: Guard | None) -> None:
        """Statements in order; after `if loaded: return` the rest of the block is guarded by that test."""
        for statement in body:
            self.statement(statement, guard)
            if guard is None and isinstance(statement, ast.If) and leaves(statement.body) and not statement.orelse:
                guard = present_test(statement.test)

    def statement(self, node: ast.stmt, guard: Guard | None) -> None:
        """One statement: definitions become scopes, tests become guards, expressions yield calls."""
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.function(node, guard)
            case ast.ClassDef():
                self.class_definition(node, guard)
            case ast.Import() | ast.ImportFrom():
                self.import_names(node)
            case ast.If():
                self.condition(node, guard)
            case ast.Try() | ast.TryStar():
                self.attempt(node, guard)
            case ast.For() | ast.AsyncFor():
                self.expression(node.iter, guard)
                self.assign([node.target], node.iter, element=True)
                self.block(node.body, guard)
                self.block(node.orelse, guard)
            case ast.While():
                self.expression(node.test, guard)
                self.block(node.body, guard or missing_test(node.test))
                self.block(node.orelse, guard)
            case ast.With() | ast.AsyncWith():
                self.manager(node, guard)
            case ast.Match():
                self.expression(node.subject, guard)
                for case in node.cases:
                    self.block(case.body, guard)
            case ast.Global():
                self.frame.globals.update(node.names)
            case _:
                self.simple(node, guard)

    def simple(self, node: ast.stmt, guard: Guard | None) -> None:
        """A statement without a body."""
        match node:
            case ast.Return():
                if node.value is not None:
                    self.frame.returned.append(text_of(node.value))
                    self.expression(node.value, guard)
            case ast.Assign():
                self.expression(node.value, guard)
                self.assign(node.targets, node.value)
            case ast.AnnAssign():
                if node.value is not None:
                    self.expression(node.value, guard)
                    self.assign([node.target], node.value)
                    if self.frame.values.get(text_of(node.target)) not in UNTELLING:
                        return
                named = annotation_text(node.annotation)
                if isinstance(node.target, ast.Name | ast.Attribute) and named not in UNTELLING:
                    self.frame.values[text_of(node.target)] = f"{named}()"
            case _:
                for child in children(node):
                    if isinstance(child, ast.expr):
                        self.expression(child, guard)

    def manager(self, node: "ast.With | ast.AsyncWith", guard: Guard | None) -> None:
        """`with`: what it makes, whether it is a lock, and its body."""
        before = self.locked
        for item in node.items:
            self.expression(item.context_expr, guard, place="with")
            if item.optional_vars is not None:
                self.assign([item.optional_vars], item.context_expr)
            text = text_of(item.context_expr).lower()
            self.locked = self.locked or any(word in text for word in ("lock", "mutex", "semaphore"))
        self.block(node.body, guard)
        self.locked = before

    def condition(self, node: ast.If, guard: Guard | None) -> None:
        """`if model is None:` guards its body, `if model is not None: … else:` its else branch."""
        if self.kind == "module" and is_main_test(node.test):
            self.reader.scope(MAIN_BLOCK, "main", node, node.body)
            self.block(node.orelse, guard)
            return
        self.expression(node.test, guard)
        self.block(node.body, guard or missing_test(node.test))
        self.block(node.orelse, guard or present_test(node.test))

    def attempt(self, node: "ast.Try | ast.TryStar", guard: Guard | None) -> None:
        """`try: return cache[key]` / `except KeyError:` is a guard as well."""
        self.block(node.body, guard)
        cached = cache_read(node.body)
        for handler in node.handlers:
            missing = handler.type is not None and text_of(handler.type) in {"KeyError", "AttributeError", "NameError"}
            self.block(handler.body, guard or (Guard((cached,), node.lineno) if cached and missing else None))
        self.block(node.orelse, guard)
        self.block(node.finalbody, guard)

    def function(self, node: Function, guard: Guard | None) -> None:
        """A nested scope; decorators and defaults run here."""
        for decorator in node.decorator_list:
            self.expression(decorator, guard, place="decorator")
        arguments = node.args
        for default in [*arguments.defaults, *(each for each in arguments.kw_defaults if each is not None)]:
            self.expression(default, guard, place="default")
        for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
            if isinstance(argument.annotation, ast.Subscript):  # Annotated[Model, Depends(get_model)]
                self.expression(argument.annotation, guard, place="default")
        in_class = self.kind == "class"
        self.reader.scope(
            self.qualified(node.name),
            "async" if isinstance(node, ast.AsyncFunctionDef) else "function",
            node,
            node.body,
            owner=self.name if in_class else None,
            parent=None if in_class or self.name in {MODULE_BODY, MAIN_BLOCK} else self.name,
            parameters=_parameters(arguments),
            decorators=tuple(_decorator(decorator) for decorator in node.decorator_list),
        )

    def class_definition(self, node: ast.ClassDef, guard: Guard | None) -> None:
        """A class: its body runs here, once, when the definition is executed."""
        for expression in [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]:
            self.expression(expression, guard, place="decorator")
        name = self.qualified(node.name)
        parent = None if self.name in {MODULE_BODY, MAIN_BLOCK} else self.name
        self.reader.scope(name, "class", node, node.body, parent=parent)
        methods = [child for child in node.body if isinstance(child, Function)]
        attributes = dict(self.reader.scopes[name].values)
        constants = {key: value for key, value in attributes.items() if value in UNTELLING and value != "?"}
        for method in methods:
            scope = self.reader.scopes.get(f"{name}.{method.name}")
            for target, value in scope.values.items() if scope is not None else ():
                base, _, attribute = target.partition(".")
                if base in {"self", "cls", node.name} and attribute and attributes.get(attribute, "?") in UNTELLING:
                    attributes[attribute] = value
        self.reader.classes[name] = ClassDef(
            name,
            node.lineno,
            tuple(text_of(base) for base in node.bases),
            tuple((keyword.arg or "**", text_of(keyword.value)) for keyword in node.keywords),
            tuple(_decorator(decorator) for decorator in node.decorator_list),
            frozenset(method.name for method in methods),
            attributes,
            constants,
        )

    def import_names(self, node: "ast.Import | ast.ImportFrom") -> None:
        """Local name → absolute dotted name."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    self.frame.imports[alias.asname] = alias.name
                else:
                    self.frame.imports[alias.name.partition(".")[0]] = alias.name.partition(".")[0]
                    if "." in alias.name:
                        # `import a.b` also runs a.b: kept under a name that no code can use.
                        self.frame.imports[f"import {alias.name}"] = alias.name
            return
        base = absolute(node.module or "", node.level, self.reader.module, is_package=self.reader.is_package)
        for alias in node.names:
            if alias.name == "*":
                self.frame.stars.append(base)
            else:
                self.frame.imports[alias.asname or alias.name] = f"{base}.{alias.name}" if base else alias.name

    def assign(self, targets: list[ast.expr], value: ast.expr, *, element: bool = False) -> None:
        """Remember what a name or attribute holds, the first telling value winning over None."""
        text = text_of(value) + ("[]" if element else "")
        for target in targets:
            if isinstance(target, ast.Tuple | ast.List):
                same = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
                for position, item in enumerate(target.elts):
                    self.keep(item, text_of(value.elts[position]) if same else f"{text}[]")  # type: ignore[attr-defined]
            else:
                self.keep(target, text)

    def keep(self, target: ast.expr, text: str) -> None:
        """Note one assigned value."""
        name = text_of(target)
        if name != "?" and self.frame.values.get(name, "?") in UNTELLING:
            self.frame.values[name] = text

    def expression(self, node: ast.expr, guard: Guard | None, *, place: str = "") -> None:
        """Every call in an expression, outermost first; lambdas are scopes; comprehensions run in place."""
        stack: list[tuple[ast.AST, bool, Guard | None]] = [(node, False, guard)]
        while stack:
            current, awaited, over = stack.pop()
            if isinstance(current, ast.Name | ast.Constant):
                continue
            match current:
                case ast.Lambda():
                    self.lambda_scope(current)
                    continue
                case ast.Call():
                    where = place if place != "with" or current is node else ""
                    self.call(current, over, awaited=awaited, place=where)
                    called = current.func.value if isinstance(current.func, ast.Attribute) else current.func
                    stack += [(child, False, over) for child in (called, *current.args, *current.keywords)]
                    continue
                case ast.Attribute():
                    self.frame.reads.add(text_of(current))
                case ast.Yield() | ast.YieldFrom() if self.frame.yield_line is None:
                    self.frame.yield_line = current.lineno
                case ast.NamedExpr():
                    self.keep(current.target, text_of(current.value))
                case ast.IfExp() if over is None:
                    stack.append((current.test, False, None))
                    stack.append((current.body, False, missing_test(current.test)))
                    stack.append((current.orelse, False, present_test(current.test)))
                    continue
                case ast.BoolOp(op=ast.Or()) if over is None:  # `model = model or load()`
                    later = present_test(current.values[0])
                    stack.extend((each, False, later if number else None) for number, each in enumerate(current.values))
                    continue
            inner = isinstance(current, ast.Await)
            stack += [(child, inner, over) for child in children(current)]

    def lambda_scope(self, node: ast.Lambda) -> None:
        """A lambda is a function without a name."""
        name = self.qualified(f"<lambda:{node.lineno}:{node.col_offset}>")
        body = [ast.copy_location(ast.Return(value=node.body), node)]
        self.reader.scope(name, "lambda", node, list(body), parent=self.name, parameters=_parameters(node.args))

    def call(self, node: ast.Call, guard: Guard | None, *, awaited: bool, place: str) -> None:
        """Record a call with the texts of its arguments."""
        target = text_of(node.func)
        if target == "setattr" and len(node.args) == 3 and isinstance(node.args[1], ast.Constant):
            self.frame.values.setdefault(f"{text_of(node.args[0])}.{node.args[1].value!s}", text_of(node.args[2]))
        end_line, end_column = node.end_lineno or node.lineno, (node.end_col_offset or 0) + 1
        self.frame.calls.append(
            CallSite(
                target, node.lineno, node.col_offset + 1, end_line, end_column, guard, passed(node), awaited, place,
                self.locked,
            )
        )  # fmt: skip


def _parameters(arguments: ast.arguments) -> tuple[Parameter, ...]:
    names = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(names) - len(arguments.defaults)) + list(arguments.defaults)
    pairs = [*zip(names, defaults, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    return tuple(_parameter(argument, default) for argument, default in pairs)


def _parameter(argument: ast.arg, default: ast.expr | None) -> Parameter:
    """`x: Annotated[T, Depends(f)]` reads like `x: T = Depends(f)`."""
    annotation = argument.annotation
    if isinstance(annotation, ast.Subscript) and isinstance(annotation.slice, ast.Tuple):
        provider = next((item for item in annotation.slice.elts[1:] if isinstance(item, ast.Call)), None)
        default = default if isinstance(default, ast.Call) else provider or default
    given = passed(default) if isinstance(default, ast.Call) else ()
    named = annotation_text(annotation) if annotation is not None else None
    text = text_of(default) if default is not None else None
    return Parameter(argument.arg, argument.lineno, argument.col_offset + 1, named, text, given)


def _decorator(node: ast.expr) -> Decorator:
    if not isinstance(node, ast.Call):
        return Decorator(text_of(node), (), (), node.lineno, called=False)
    values = [*node.args, *(keyword.value for keyword in node.keywords)]
    literals = [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
    return Decorator(text_of(node.func), passed(node), tuple(literals), node.lineno, called=True)
