"""One Python file of an archive → what importing it leaves behind: classes, functions, imports, names."""

import ast
import warnings
from collections.abc import Iterable, Iterator

from modeldoctor.facts.archive import Class, Import, Module, Signature
from modeldoctor.readers.source.expressions import text_of

# Decorators that leave a class what it is, and those that leave what a function takes.
_PLAIN_CLASS = frozenset(
    {
        "dataclass",
        "dataclasses.dataclass",
        "dataclass()",
        "dataclasses.dataclass()",
        "total_ordering",
        "functools.total_ordering",
        "final",
        "typing.final",
        "unique",
        "enum.unique",
    }
)
_PLAIN_FUNCTION = frozenset(
    {
        "staticmethod",
        "classmethod",
        "torch.no_grad()",
        "torch.inference_mode()",
        "torch.no_grad",
        "torch.inference_mode",
        "override",
        "typing.override",
        "abstractmethod",
        "abc.abstractmethod",
    }
)
# Calls that make a class which counts as the module's own, for they set `__module__` to that of the caller.
_MAKERS = frozenset(
    {
        "namedtuple",
        "NamedTuple",
        "TypedDict",
        "Enum",
        "IntEnum",
        "StrEnum",
        "Flag",
        "IntFlag",
        "make_dataclass",
        "new_class",
    }
)
_ABSTRACT = frozenset({"abstractmethod", "abc.abstractmethod"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


def parse(member: str, data: bytes) -> tuple[ast.Module | None, Module]:
    """The tree and the summary of a file; no tree and an error for one that Python cannot compile."""
    name = member.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(data)
    except SyntaxError as error:
        kind = type(error).__name__
        return None, Module(member, name, f"{kind}: {error.msg}"[:200], error.lineno)
    except (ValueError, RecursionError, MemoryError) as error:
        return None, Module(member, name, f"{type(error).__name__}: {error}"[:200])
    return tree, summary(tree, member, name)


def summary(tree: ast.Module, member: str, name: str) -> Module:
    """What is at the top of a module."""
    reader = _Reader(name, is_package=member.endswith("/__init__.py"))
    reader.block(tree.body, sure=True)
    return Module(
        member,
        name,
        "",
        None,
        tuple(reader.classes),
        tuple(reader.functions),
        tuple(reader.imports),
        tuple(reader.bindings.items()),
        tuple(reader.stars),
    )


class _Reader:
    """Statements at the top of a module, in order."""

    def __init__(self, module: str, *, is_package: bool) -> None:
        self.module = module
        self.package = module if is_package else module.rpartition(".")[0]
        self.classes: list[Class] = []
        self.functions: list[Signature] = []
        self.imports: list[Import] = []
        self.bindings: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        self.stars: list[str] = []

    def bind(self, name: str, kind: str, *, sure: bool) -> None:
        self.bindings[name] = kind if sure else f"maybe {kind}"

    def block(self, body: Iterable[ast.stmt], *, sure: bool) -> None:
        for statement in body:
            self.statement(statement, sure=sure)

    def statement(self, node: ast.stmt, *, sure: bool) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.functions.append(signature(node, method=False))
                self.bind(node.name, "function", sure=sure)
            case ast.ClassDef():
                self.classes.append(self.class_of(node, sure=sure))
                self.bind(node.name, "class", sure=sure)
            case ast.Import() | ast.ImportFrom():
                self.import_(node, sure=sure)
            case ast.If(test=test) if _is_main(test) or text_of(test).rpartition(".")[2] == "TYPE_CHECKING":
                self.block(node.orelse, sure=sure)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self.assign(target, value, sure=sure)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                self.assign(target, value, sure=sure)
            case ast.Delete(targets=targets):
                for target in targets:
                    if isinstance(target, ast.Name) and sure:
                        self.bindings.pop(target.id, None)
            case ast.With(body=body):
                self.block(body, sure=sure and "suppress" not in ast.dump(node.items[0].context_expr))
            case ast.Try() | ast.TryStar():
                caught = not all(_reraises(handler) for handler in node.handlers)
                self.block(node.body, sure=sure and not caught)
                self.block([statement for handler in node.handlers for statement in handler.body], sure=False)
                self.block(node.orelse, sure=sure and not caught)
                self.block(node.finalbody, sure=sure)
            case ast.If() | ast.For() | ast.While():
                self.block([*node.body, *node.orelse], sure=False)
            case _:
                pass

    def assign(self, target: ast.expr, value: ast.expr, *, sure: bool) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for each in target.elts:
                self.assign(each, ast.Constant(None), sure=sure)
        if not isinstance(target, ast.Name):
            return
        kind = "value"
        text = text_of(value)
        if self.bindings.get(text, "").endswith(("class", "alias")):
            kind = "alias"
            self.aliases[target.id] = text
        elif isinstance(value, ast.Call) and text.removesuffix("()").rpartition(".")[2] in _MAKERS:
            kind = "made"
        elif self.bindings.get(text, "").endswith("function") or isinstance(value, ast.Lambda):
            kind = "function"
        self.bind(target.id, kind, sure=sure)

    def import_(self, node: ast.Import | ast.ImportFrom, *, sure: bool) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                aliases: tuple[tuple[str, str], ...] = ((alias.asname, alias.name),) if alias.asname else ()
                self.imports.append(Import(alias.name, (), 0, node.lineno, sure, aliases))
                self.bind(alias.asname or alias.name.partition(".")[0], "import", sure=sure)
            return
        names = tuple(alias.name for alias in node.names)
        renamed = tuple((each.asname, f"{node.module}.{each.name}") for each in node.names if each.asname)
        self.imports.append(Import(node.module or "", names, node.level, node.lineno, sure, renamed))
        for alias in node.names:
            if alias.name == "*":
                self.stars.append("." * node.level + (node.module or ""))
            else:
                self.bind(alias.asname or alias.name, "import", sure=sure)

    def class_of(self, node: ast.ClassDef, *, sure: bool) -> Class:
        plain = all(_decorator(each) in _PLAIN_CLASS for each in node.decorator_list)
        methods = [child for child in _flat(node.body) if isinstance(child, Function)]
        attributes = {name for child in node.body for name in _assigned(child)}
        attributes |= {name for method in methods for name in _on_self(method)}
        dynamic = any(method.name in {"__getattr__", "__getattribute__", "__new__"} for method in methods)
        return Class(
            node.name,
            node.lineno,
            tuple(text_of(base) for base in node.bases),
            tuple(signature(method, method=True) for method in methods),
            frozenset(attributes),
            sure and plain,
            dynamic or any(word.arg == "metaclass" and "ABCMeta" not in text_of(word.value) for word in node.keywords),
        )


def signature(node: Function, *, method: bool) -> Signature:
    """How many positional arguments fit; a method's first one is taken by `self`."""
    names = [_decorator(each) for each in node.decorator_list]
    arguments = node.args
    positional = len(arguments.posonlyargs) + len(arguments.args)
    bound = 1 if method and "staticmethod" not in names else 0
    needed = sum(default is None for default in arguments.kw_defaults)
    least = max(0, positional - len(arguments.defaults) - bound)
    most = None if arguments.vararg else max(0, positional - bound)
    kind = "async" if isinstance(node, ast.AsyncFunctionDef) else "generator" if yields(node) else "function"
    if needed:  # the server passes none by name
        least, most = least + needed, max(0, positional - bound)
    plain = all(name in _PLAIN_FUNCTION for name in names) and (not bound or positional > 0 or most is None)
    return Signature(
        node.name,
        node.lineno,
        least,
        most,
        kind,
        plain,
        any(name in _ABSTRACT for name in names),
        tuple(each.arg for each in arguments.args[bound:]),
    )


def _decorator(node: ast.expr) -> str:
    return text_of(node)


def _is_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and text_of(test.left) == "__name__"


def _reraises(handler: ast.ExceptHandler) -> bool:
    return bool(handler.body) and isinstance(handler.body[-1], ast.Raise)


def _flat(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a class body with those of its conditions."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try):
            yield from _flat([*statement.body, *statement.orelse])


def _assigned(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Assign):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        yield node.target.id
    elif isinstance(node, ast.ClassDef):
        yield node.name


def _on_self(method: Function) -> Iterator[str]:
    """Attributes that a method sets on its first argument."""
    first = method.args.args[0].arg if method.args.args else "self"
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and text_of(node.value) == first:
            yield node.attr


def yields(node: Function) -> bool:
    """Whether it is a generator: a `yield` of its own, not one of a function inside."""
    pending: list[ast.AST] = list(node.body)
    while pending:
        child = pending.pop()
        if isinstance(child, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(child, Function | ast.Lambda | ast.ClassDef):
            pending += ast.iter_child_nodes(child)
    return False
