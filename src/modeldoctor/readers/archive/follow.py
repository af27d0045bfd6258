"""What the code of an archive does when the worker loads it and when a request comes, followed without running it.

Only what is plain is followed: names, constants, paths, calls of functions of the archive. Everything else is unknown,
and what stands behind an unknown test is not sure.
"""

import ast
from typing import NamedTuple

from modeldoctor.facts.archive import Act, Module, Value
from modeldoctor.readers.archive.code import Function
from modeldoctor.readers.archive.values import NONE, UNKNOWN, merged
from modeldoctor.readers.source.expressions import text_of

# Statements that are followed in one archive, and calls inside calls.
MAX_STEPS = 20_000
MAX_CALLS = 12


class Code(NamedTuple):
    """A module of the archive with its tree."""

    tree: ast.Module
    module: Module


class Frame:
    """A running function: its names, what it returned, and whether its next statement is reached for sure."""

    def __init__(self, code: Code, names: dict[str, Value], owner: str = "", *, sure: bool = True) -> None:
        self.code = code
        self.names = names
        self.owner = owner  # the class whose method this is
        self.sure = sure
        self.returned: list[tuple[Value, int, bool]] = []
        self.left = False  # nothing after this point is reached

    def result(self) -> Value:
        """What the call comes to."""
        values = [value for value, _, _ in self.returned] + ([] if self.left else [NONE])
        found = values[0] if values else NONE
        for value in values[1:]:
            found = merged(found, value)
        return found


class Follower:
    """The state of following one archive. `evaluate` is the half that handles expressions."""

    def __init__(self, codes: dict[str, Code]) -> None:
        self.codes = codes
        self.acts: list[Act] = []
        self.phase = "load"
        self.steps = 0
        self.calls = 0
        self.attributes: dict[str, Value] = {}

    # ----------------------------------------------------------------------- what expressions come to

    def value(self, node: ast.expr | None, frame: Frame) -> Value:
        """What an expression comes to."""
        raise NotImplementedError

    def truth(self, node: ast.expr, frame: Frame) -> bool | None:
        """Whether a test holds; None when that is not known."""
        raise NotImplementedError

    # -----------------------------------------------------------------------

    def act(self, kind: str, node: ast.AST, frame: Frame, **fields: object) -> int:
        """Note what happens; its index."""
        line = getattr(node, "lineno", 1)
        done = Act(kind, frame.code.module.member, line, self.phase, sure=frame.sure)
        self.acts.append(done._replace(**fields))  # type: ignore[arg-type]
        return len(self.acts) - 1

    def block(self, body: list[ast.stmt], frame: Frame) -> None:
        """Statements until one leaves."""
        for statement in body:
            self.steps += 1
            if frame.left or self.steps > MAX_STEPS:
                return
            self.statement(statement, frame)

    def statement(self, node: ast.stmt, frame: Frame) -> None:
        """One statement."""
        match node:
            case ast.Expr(value=value):
                self.value(value, frame)
            case ast.Assign(targets=targets, value=value):
                found = self.value(value, frame)
                for target in targets:
                    self.assign(target, found, frame)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                self.assign(target, self.value(value, frame), frame)
            case ast.AugAssign(target=target, value=value):
                self.value(value, frame)
                before = self.value(target, frame) if isinstance(target, ast.Name) else UNKNOWN
                self.assign(target, Value(before.kind) if before.kind == "list" else UNKNOWN, frame)
            case ast.Return(value=value):
                found = self.value(value, frame) if value is not None else NONE
                frame.returned.append((found, node.lineno, frame.sure))
                frame.left = True
            case ast.Raise():
                self.raise_(node, frame)
            case ast.If():
                self.condition(node, frame)
            case ast.Try() | ast.TryStar():
                self.attempt(node, frame)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    found = self.value(item.context_expr, frame)
                    if item.optional_vars is not None:
                        self.assign(item.optional_vars, found, frame)
                self.block(node.body, frame)
            case ast.For() | ast.AsyncFor():
                self.iterated(self.value(node.iter, frame), node.iter, frame)
                self.assign(node.target, UNKNOWN, frame)
                self.branches([node.body, node.orelse], frame, may_skip=True)
            case ast.While():
                self.value(node.test, frame)
                self.branches([node.body, node.orelse], frame, may_skip=True)
            case ast.Import() | ast.ImportFrom():
                self.import_(node, frame)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                frame.names[node.name] = UNKNOWN
            case ast.Assert(test=test):
                self.value(test, frame)
            case _:
                pass

    def raise_(self, node: ast.Raise, frame: Frame) -> None:
        """An exception of the code's own."""
        if node.exc is not None:
            called = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            message = (
                self.value(node.exc.args[0], frame) if isinstance(node.exc, ast.Call) and node.exc.args else UNKNOWN
            )
            self.act("raise", node, frame, call=text_of(called), value=message)
        frame.left = True

    def condition(self, node: ast.If, frame: Frame) -> None:
        """One branch when the test is known, else both, neither for sure."""
        self.value(node.test, frame)
        known = self.truth(node.test, frame)
        if known is not None:
            self.block(node.body if known else node.orelse, frame)
        else:
            self.branches([node.body, node.orelse], frame)

    def branches(self, bodies: list[list[ast.stmt]], frame: Frame, *, may_skip: bool = False) -> None:
        """Bodies of which nobody knows which runs. Afterwards names hold what all agree on."""
        before, sure = dict(frame.names), frame.sure
        attributes = dict(self.attributes)
        frame.sure = False
        ends: list[tuple[dict[str, Value], dict[str, Value]]] = [(before, attributes)] if may_skip else []
        left = False
        for body in bodies:
            frame.names, frame.left = dict(before), False
            self.attributes = dict(attributes)
            self.block(body, frame)
            if frame.left:
                left = True
            else:
                ends.append((frame.names, self.attributes))
        frame.left = not ends
        frame.names, self.attributes = _agreed([end[0] for end in ends]), _agreed([end[1] for end in ends])
        frame.sure = sure and not left

    def attempt(self, node: ast.Try | ast.TryStar, frame: Frame) -> None:
        """What is tried is sure only when every handler raises again."""
        sure = frame.sure
        caught = [handler for handler in node.handlers if not _raises(handler)]
        frame.sure = sure and not caught
        before = dict(frame.names)
        self.block(node.body, frame)
        self.block(node.orelse, frame)
        after, left = frame.names, frame.left
        ends = [] if left else [after]
        frame.sure = False
        for handler in node.handlers:
            frame.names, frame.left = dict(before), False
            self.block(handler.body, frame)
            if not frame.left:
                ends.append(frame.names)
        frame.names, frame.left = _agreed(ends) if ends else after, not ends
        frame.sure = sure
        self.block(node.finalbody, frame)

    def assign(self, target: ast.expr, value: Value, frame: Frame) -> None:
        """Bind a name, an attribute of the handler, or the parts of a tuple."""
        if value.kind in {"list", "dict"} and value.text != "config" and not isinstance(value.of, dict):
            value = Value(value.kind)  # what has a name may grow
        match target:
            case ast.Name(id=name):
                frame.names[name] = value
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                if frame.names.get(name, UNKNOWN).kind == "self":
                    self.attributes[attribute] = value
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                for index, each in enumerate(targets):
                    items = value.of if isinstance(value.of, list) and value.kind == "tuple" else []
                    self.assign(each, items[index] if len(items) == len(targets) else UNKNOWN, frame)
            case _:
                pass

    def iterated(self, value: Value, node: ast.AST, frame: Frame) -> None:
        """None cannot be iterated over."""
        if value.kind == "none":
            self.act("none", node, frame, call="TypeError: 'NoneType' object is not iterable")

    def import_(self, node: ast.Import | ast.ImportFrom, frame: Frame) -> None:
        """An import inside a function."""
        for alias in node.names:
            if isinstance(node, ast.Import):
                name = alias.name if alias.asname else alias.name.partition(".")[0]
                frame.names[alias.asname or name] = self.dotted(name)
                module = alias.name
            else:
                module = "." * node.level + (node.module or "")
                frame.names[alias.asname or alias.name] = self.dotted(f"{module}.{alias.name}".lstrip("."))
            self.act("import", node, frame, call=module)

    def dotted(self, name: str) -> Value:
        """What a dotted name is: a class or function of the archive, or something from elsewhere."""
        module, _, attribute = name.rpartition(".")
        code = self.codes.get(module)
        if code is not None:
            if code.module.named(attribute):
                return Value("class", name)
            if any(function.name == attribute for function in code.module.functions):
                return Value("function", name)
        return Value("module", name)

    def function(self, name: str) -> tuple[Code, Function] | None:
        """The definition of a function or method of the archive by its dotted name."""
        module, _, attribute = name.rpartition(".")
        code = self.codes.get(module)
        if code is not None:
            return _definition(code, code.tree.body, attribute)
        module, _, owner = module.rpartition(".")
        code = self.codes.get(module)
        for statement in code.tree.body if code else ():
            if code and isinstance(statement, ast.ClassDef) and statement.name == owner:
                return _definition(code, statement.body, attribute)
        return None


def _definition(code: Code, body: list[ast.stmt], name: str) -> tuple[Code, Function] | None:
    found = [node for node in body if isinstance(node, Function) and node.name == name]
    return (code, found[-1]) if found else None


def _raises(handler: ast.ExceptHandler) -> bool:
    return isinstance(handler.body[-1], ast.Raise)


def _agreed(ends: list[dict[str, Value]]) -> dict[str, Value]:
    """Names with what they hold at every end."""
    if not ends:
        return {}
    first, *others = ends
    found = dict(first)
    for other in others:
        names = found.keys() | other.keys()
        found = {name: merged(found.get(name, UNKNOWN), other.get(name, UNKNOWN)) for name in names}
    return found
