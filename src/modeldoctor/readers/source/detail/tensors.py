"""Which expressions hold what a model returned, and have not been turned into Python values."""

import ast

from modeldoctor.facts.source import Inference
from modeldoctor.readers.source.detail.trees import Page, Pages, span_of
from modeldoctor.readers.source.expressions import text_of
from modeldoctor.readers.source.loads import Analysis
from modeldoctor.readers.source.names import Symbol
from modeldoctor.readers.source.syntax import Scope

MAX_DEPTH = 20  # of one expression
_TO_PYTHON = frozenset({"tolist", "item", "numpy", "data_ptr", "size", "dim", "numel", "shape", "cpu_numpy"})
_NO_TENSOR = frozenset({"shape", "dtype", "device", "ndim"})


class Answers:
    """Which functions of the project return what a model returned, found on demand."""

    def __init__(self, analysis: Analysis, pages: Pages, runs: list[Inference]) -> None:
        self.analysis = analysis
        self.pages = pages
        self.runs: dict[tuple[str, str], list[Inference]] = {}
        for run in runs:
            self.runs.setdefault((run.where.path, run.function), []).append(run)
        self.known: dict[Symbol, bool] = {}

    def of(self, symbol: Symbol | None) -> bool:
        """Whether a function returns a tensor of the model's."""
        if symbol is None or symbol.kind != "function":
            return False
        if symbol not in self.known:
            self.known[symbol] = False  # what calls itself says nothing
            page = self.pages.page(symbol.path)
            scope = page.module.scopes.get(symbol.name) if page is not None else None
            if page is not None and scope is not None:
                tensors = Tensors(page, scope, self)
                self.known[symbol] = any(
                    tensors.holds(found.node.value)
                    for found in page.within(scope, ast.Return)
                    if isinstance(found.node, ast.Return) and found.node.value is not None
                )
        return self.known[symbol]


class Tensors:
    """Which names of a scope hold what a model returned."""

    def __init__(self, page: Page, scope: Scope, answers: Answers) -> None:
        self.page = page
        self.scope = scope
        self.answers = answers
        own = answers.runs.get((page.module.path, scope.name), ())
        self.calls = {run.where[1:]: run for run in own if run.kind in {"module", "loaded", "named"}}
        self.used: list[Inference] = []
        self.names: set[str] = set()
        self.values: dict[str, ast.expr] = {}
        for found in page.within(scope, ast.Assign):
            node = found.node
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                target = node.targets[0]
                if isinstance(target, ast.Name):
                    self.values[target.id] = node.value
                    (self.names.add if self.holds(node.value) else self.names.discard)(target.id)
                elif isinstance(target, ast.Tuple) and self.holds(node.value):
                    self.names |= {each.id for each in target.elts if isinstance(each, ast.Name)}

    def holds(self, node: ast.expr, depth: int = 0) -> bool:
        """Whether an expression is a tensor of the model's."""
        if depth > MAX_DEPTH:
            return False
        match node:
            case ast.Name(id=name):
                return name in self.names
            case ast.Call():
                return self.returned(node, depth)
            case ast.Attribute(value=value, attr=attribute):
                return attribute not in _NO_TENSOR and self.holds(value, depth + 1)
            case ast.Subscript(value=value) | ast.Await(value=value):
                return self.holds(value, depth + 1)
            case ast.BinOp(left=left, right=right):
                return self.holds(left, depth + 1) or self.holds(right, depth + 1)
            case _:
                return False

    def returned(self, node: ast.Call, depth: int) -> bool:
        """Whether a call returns one: the model itself, a method of a tensor, a torch function of one, a helper."""
        run = self.calls.get(span_of("", node)[1:])
        if run is not None:
            self.used.append(run)
            return True
        names, module = self.answers.analysis.names, self.page.module
        if not isinstance(node.func, ast.Attribute):
            return self.answers.of(names.resolve(text_of(node.func), module, self.scope))
        if node.func.attr in _TO_PYTHON:
            return False
        if node.func.attr in {"get", "result"} and isinstance(node.func.value, ast.Name):
            sent = self.values.get(node.func.value.id)
            if isinstance(sent, ast.Call) and sent.args and text_of(sent.func).endswith((".apply_async", ".submit")):
                return self.answers.of(names.resolve(text_of(sent.args[0]), module, self.scope))
        if self.holds(node.func.value, depth + 1):
            return True
        text = text_of(node.func)
        if text.startswith(("torch.", "F.", "nn.functional.")) and node.func.attr not in {"save", "is_tensor"}:
            return any(self.holds(argument, depth + 1) for argument in node.args)
        return self.answers.of(names.resolve(text, module, self.scope))
