"""The calls, tests and returns of a file with what stands around them."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from modeldoctor.facts.source import Span
from modeldoctor.readers.source.expressions import children, is_main_test, text_of
from modeldoctor.readers.source.project import Project
from modeldoctor.readers.source.syntax import MAIN_BLOCK, Module, Scope

MAX_KEPT_BYTES = 1_500_000  # of source whose trees are kept at a time: a tree takes some fifty times its source

_NO_GRAD = frozenset({"no_grad", "inference_mode"})

_KEPT = (ast.Call, ast.Subscript, ast.UnaryOp, ast.IfExp, ast.Compare)

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Around(NamedTuple):
    """What stands around a node, innermost last.

    `statement` is the one it belongs to, `tries` the `try` statements whose body it is in, `tests` the conditions of
    the branches with whether they hold there, `no_grad` whether gradients are off.
    """

    scope: Scope
    statement: ast.stmt
    tries: tuple[ast.Try | ast.TryStar, ...] = ()
    tests: tuple[tuple[ast.expr, bool], ...] = ()
    no_grad: bool = False


class Found(NamedTuple):
    """A call, test, return, assignment, `except` clause or definition with what stands around it.

    `parent` is the expression it is part of.
    """

    node: ast.AST
    around: Around
    parent: ast.AST | None = None


class Page:
    """A parsed file: what was found in it, by kind of node, and calls by where they stand."""

    def __init__(self, module: Module, tree: ast.Module) -> None:
        self.module = module
        self.tree = tree
        self.scopes = {
            (scope.line, scope.name.rpartition(".")[2].rstrip("'")): scope for scope in module.scopes.values()
        }
        self.found: dict[type[ast.AST], list[Found]] = {}
        self.calls: dict[tuple[int, int, int, int], Found] = {}
        self.by_scope: dict[str, list[Found]] = {}
        self.branches: dict[int, ast.If] = {}
        _Walk(self).block(tree.body, Around(module.body, tree.body[0] if tree.body else ast.Pass()))

    def keep(self, node: ast.AST, around: Around, parent: ast.AST | None = None) -> None:
        """Note a node."""
        found = Found(node, around, parent)
        self.found.setdefault(type(node), []).append(found)
        self.by_scope.setdefault(around.scope.name, []).append(found)
        if isinstance(node, ast.If):
            self.branches[id(node.test)] = node
        if isinstance(node, ast.Call):
            end = node.end_lineno or node.lineno, (node.end_col_offset or 0) + 1
            self.calls[node.lineno, node.col_offset + 1, *end] = found

    def each(self, *kinds: type[ast.AST]) -> Iterator[Found]:
        """Everything of these kinds, in the order of the file within a kind."""
        for kind in kinds:
            yield from self.found.get(kind, ())

    def within(self, scope: Scope, *kinds: type[ast.AST]) -> list[Found]:
        """Everything of these kinds in one scope, in order."""
        return [found for found in self.by_scope.get(scope.name, ()) if isinstance(found.node, kinds)]


class Pages:
    """The parsed files of a project, a few at a time."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._pages: dict[str, Page | None] = {}
        self._sizes: dict[str, int] = {}

    def page(self, path: str) -> Page | None:
        """The parsed file; None when it can't be parsed."""
        if path not in self._pages:
            self._sizes[path] = self.project.size(path)
            while len(self._pages) > 1 and sum(self._sizes.values()) > MAX_KEPT_BYTES:
                oldest = next(iter(self._pages))
                del self._pages[oldest], self._sizes[oldest]
            self._pages[path] = self._read(path)
        return self._pages[path]

    def _read(self, path: str) -> Page | None:
        module = self.project.module(path)
        tree = self.project.tree(path) if module is not None else None
        if module is None or tree is None:
            return None
        try:
            return Page(module, tree)
        except RecursionError:
            return None

    def call(self, path: str, line: int, column: int, end: tuple[int, int] | None) -> Found | None:
        """The call at a place; several may begin there, `torch.load(path).eval()`, so the end counts too."""
        page = self.page(path) if end is not None else None
        return page.calls.get((line, column, *end)) if page is not None and end is not None else None


class _Walk:
    """Visits the statements of a file in order."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def block(self, body: list[ast.stmt], around: Around) -> None:
        for statement in body:
            self.statement(statement, around._replace(statement=statement))
            if isinstance(statement, ast.If) and not statement.orelse and _leaves(statement.body):
                around = around._replace(tests=(*around.tests, (statement.test, False)))

    def statement(self, node: ast.stmt, around: Around) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.function(node, around)
            case ast.ClassDef():
                self.page.keep(node, around)
                for expression in [*node.decorator_list, *node.bases]:
                    self.expression(expression, around)
                scope = self.page.scopes.get((node.lineno, node.name), around.scope)
                self.block(node.body, around._replace(scope=scope, tries=(), tests=(), no_grad=False))
            case ast.If() | ast.While():
                self.page.keep(node, around)
                main = around.scope.kind == "module" and is_main_test(node.test)
                scope = self.page.module.scopes.get(MAIN_BLOCK, around.scope) if main else around.scope
                self.expression(node.test, around)
                tests = around.tests
                self.block(node.body, around._replace(tests=(*tests, (node.test, True)), scope=scope))
                self.block(node.orelse, around._replace(tests=(*tests, (node.test, False))))
            case ast.Try() | ast.TryStar():
                self.page.keep(node, around)
                self.block(node.body, around._replace(tries=(*around.tries, node)))
                for handler in node.handlers:
                    self.page.keep(handler, around)
                    self.block(handler.body, around)
                self.block(node.orelse, around)
                self.block(node.finalbody, around)
            case ast.With() | ast.AsyncWith():
                self.page.keep(node, around)
                off = around.no_grad
                for item in node.items:
                    self.expression(item.context_expr, around)
                    off = off or turns_off_gradients(item.context_expr)
                self.block(node.body, around._replace(no_grad=off))
            case ast.For() | ast.AsyncFor():
                self.expression(node.iter, around)
                self.block(node.body, around)
                self.block(node.orelse, around)
            case ast.Match():
                self.expression(node.subject, around)
                for case in node.cases:
                    self.block(case.body, around)
            case _:
                self.page.keep(node, around)
                for child in children(node):
                    if isinstance(child, ast.expr):
                        self.expression(child, around)

    def function(self, node: Function, around: Around) -> None:
        self.page.keep(node, around)
        for expression in [*node.decorator_list, *node.args.defaults]:
            self.expression(expression, around)
        scope = self.page.scopes.get((node.lineno, node.name), around.scope)
        off = any(turns_off_gradients(decorator) for decorator in node.decorator_list)
        self.block(node.body, Around(scope, node, no_grad=off))

    def expression(self, node: ast.expr, around: Around) -> None:
        stack: list[tuple[ast.AST, Around, ast.AST | None]] = [(node, around, None)]
        while stack:
            current, here, parent = stack.pop()
            if isinstance(current, ast.Name | ast.Constant):
                continue
            if isinstance(current, _KEPT):
                self.page.keep(current, here, parent)
            elif isinstance(current, ast.Lambda):
                name = f"<lambda:{current.lineno}:{current.col_offset}>"
                scope = self.page.scopes.get((current.lineno, name), here.scope)
                here = here._replace(scope=scope)
            stack += [(child, here, current) for child in reversed(children(current))]


def _leaves(body: list[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], ast.Return | ast.Raise | ast.Continue)


def span_of(path: str, node: ast.AST) -> Span:
    """The place of an expression."""
    end_line, end_column = getattr(node, "end_lineno", None), getattr(node, "end_col_offset", None)
    end_column = None if end_column is None else end_column + 1
    return Span(path, getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1, end_line, end_column)


def turns_off_gradients(node: ast.expr) -> bool:
    """`torch.no_grad()`, `torch.inference_mode()`, `set_grad_enabled(False)`, with or without call."""
    call = node if isinstance(node, ast.Call) else None
    name = text_of(call.func if call is not None else node).rpartition(".")[2]
    if name == "set_grad_enabled" and call is not None:
        return bool(call.args) and isinstance(call.args[0], ast.Constant) and call.args[0].value is False
    return name in _NO_GRAD
