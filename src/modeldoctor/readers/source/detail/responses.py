"""What handlers read from requests and what they answer."""

import ast
from collections.abc import Iterator

from modeldoctor.facts.source import EntryPoint, Inference, Observation, Span
from modeldoctor.readers.source.detail.loading import entry_point
from modeldoctor.readers.source.detail.requests import request_visit
from modeldoctor.readers.source.detail.tensors import Answers, Tensors
from modeldoctor.readers.source.detail.trees import Found, Page, Pages, span_of
from modeldoctor.readers.source.expressions import passed, text_of
from modeldoctor.readers.source.loads import Analysis
from modeldoctor.readers.source.names import Symbol
from modeldoctor.readers.source.syntax import Scope

_JSON = frozenset(
    {"jsonify", "JsonResponse", "JSONResponse", "ORJSONResponse", "dumps", "Response", "json_response", "json"}
)
_TEXT = frozenset({"HttpResponse", "PlainTextResponse", "HTMLResponse", "make_response"})
_BODIES = ("request.json", "request.get_json()", "flask.request.json", "flask.request.get_json()", "request.data",
           "flask.request.data", "request.form", "flask.request.form", "request.POST")  # fmt: skip
_LOOSE = frozenset({"list", "List", "dict", "Dict", "Any", "typing.Any", "typing.List", "object"})
_ANSWERING = frozenset({"fastapi", "flask", "django", "web"})  # whose clients are other people's programs
_CONVERSIONS = frozenset({"float", "int"})


def observations(page: Page, analysis: Analysis, pages: Pages, runs: list[Inference]) -> Iterator[Observation]:
    """What the handlers of one file do with requests and answers."""
    answers = Answers(analysis, pages, runs)
    by_scope: dict[str, list[Inference]] = {}
    for run in runs:
        if run.where.path == page.module.path:
            by_scope.setdefault(run.function, []).append(run)
        if run.chain and run.chain[0].where.path == page.module.path:
            by_scope.setdefault(run.chain[0].caller, []).append(run)
    for name, scope in page.module.scopes.items():
        visits = analysis.reached.get(Symbol("function", page.module.path, name), ())
        handler = next((visit for visit in visits if visit.entry.context == "request" and not visit.chain), None)
        if handler is None:
            continue
        entry = entry_point(handler.entry, analysis)
        yield from _returned(page, scope, answers, entry)
        if name not in by_scope:
            continue  # what does not run a model is none of ours
        yield from _inputs(page, scope, entry)
        if entry.framework in _ANSWERING:
            yield from _leaks(page, scope, entry)
        yield from _loose_bodies(page, scope, entry, analysis)
    yield from _numpy(page, analysis, answers, runs)


def _returned(page: Page, scope: Scope, answers: Answers, entry: EntryPoint) -> Iterator[Observation]:
    tensors = Tensors(page, scope, answers)
    for found in page.within(scope, ast.Return):
        node = found.node
        if not isinstance(node, ast.Return) or node.value is None:
            continue
        where = Span(page.module.path, node.lineno, node.col_offset + 1)
        sure = all(run.kind != "named" for run in tensors.used)
        for kind, inner in _answers(node.value, entry):
            if tensors.holds(inner):
                yield Observation("tensor_answer", where, kind, scope.name, entry, certain=sure)
                break


def _answers(value: ast.expr, entry: EntryPoint) -> Iterator[tuple[str, ast.expr]]:
    """The expressions whose values reach the client, each with how it is turned into an answer."""
    if isinstance(value, ast.Tuple) and value.elts:
        value = value.elts[0]
    if isinstance(value, ast.Call):
        last = text_of(value.func).rpartition(".")[2]
        inside = [*value.args, *(keyword.value for keyword in value.keywords)]
        if last in _JSON:
            yield from (("json", each) for argument in inside for each in _members(argument))
            return
        if last in _TEXT:
            for argument in inside:
                if isinstance(argument, ast.Call) and text_of(argument.func) in {"str", "repr"} and argument.args:
                    yield "text", argument.args[0]
                else:
                    yield "text", argument
            return
    # TorchServe sends what these return; other model servers encode it in a method of its own.
    own = entry.framework == "model-server" and entry.label.endswith((".handle", ".postprocess", "handle()"))
    if own or entry.framework in {"fastapi", "flask", "web"}:
        yield from ((entry.framework, each) for each in _members(value))


def _members(node: ast.expr) -> list[ast.expr]:
    match node:
        case ast.Dict(values=values):
            return [inner for value in values for inner in _members(value)]
        case ast.List(elts=values) | ast.Tuple(elts=values):
            return [inner for value in values for inner in _members(value)]
        case _:
            return [node]


def _inputs(page: Page, scope: Scope, entry: EntryPoint) -> Iterator[Observation]:
    """`data["input"]` of a body that nobody checked, and conversions whose errors are not all caught."""
    bodies = {
        name: value
        for name, value in scope.values.items()
        if value.removeprefix("self.") in _BODIES and "." not in name
    }
    checked = {
        text_of(node.comparators[0])
        for found in page.within(scope, ast.Compare)
        if isinstance(node := found.node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn)
    }
    for found in page.within(scope, ast.Subscript):
        node = found.node
        assert isinstance(node, ast.Subscript)
        text = text_of(node.value)
        direct = text.removeprefix("self.") in _BODIES
        unchecked = isinstance(node.ctx, ast.Load) and ((text in bodies and text not in checked) or direct)
        if not unchecked or not isinstance(node.slice, ast.Constant) or _caught(found, {"KeyError", "TypeError"}):
            continue
        first = _read_of(page, scope, text)
        others = ((first, "the body is read here"),) if first is not None else ()
        where = span_of(page.module.path, node)
        yield Observation("unchecked_key", where, str(node.slice.value), scope.name, entry, others)
        break
    for found in page.within(scope, ast.Call):
        node = found.node
        assert isinstance(node, ast.Call)
        classes, target = _classes_around(found), text_of(node.func)
        converts = target in _CONVERSIONS and node.args and isinstance(node.args[0], ast.Name | ast.Subscript)
        if converts and "ValueError" in classes and "TypeError" not in classes:
            yield Observation("half_caught", span_of(page.module.path, node), target, scope.name, entry)


def _read_of(page: Page, scope: Scope, name: str) -> Span | None:
    for found in page.within(scope, ast.Assign):
        node = found.node
        if isinstance(node, ast.Assign) and text_of(node.targets[0]) == name:
            return Span(page.module.path, node.lineno, node.col_offset + 1)
    return None


def _classes_around(found: Found) -> set[str]:
    classes: set[str] = set()
    for attempt in found.around.tries:
        for clause in attempt.handlers:
            nodes = clause.type.elts if isinstance(clause.type, ast.Tuple) else [clause.type] if clause.type else []
            classes |= {text_of(node).rpartition(".")[2] for node in nodes}
    return classes


def _caught(found: Found, wanted: set[str]) -> bool:
    classes = _classes_around(found)
    bare = any(clause.type is None for attempt in found.around.tries for clause in attempt.handlers)
    return bare or bool(classes & (wanted | {"Exception", "BaseException", "LookupError"}))


def _leaks(page: Page, scope: Scope, entry: EntryPoint) -> Iterator[Observation]:
    """The text of any exception, sent to the client."""
    for found in page.within(scope, ast.ExceptHandler):
        clause = found.node
        assert isinstance(clause, ast.ExceptHandler)
        broad = clause.type is None or text_of(clause.type).rpartition(".")[2] in {"Exception", "BaseException"}
        if not broad or clause.name is None:
            continue
        for statement in clause.body:
            if _tells(statement, clause.name):
                where = Span(page.module.path, clause.lineno, clause.col_offset + 1)
                told_here = Span(page.module.path, statement.lineno, statement.col_offset + 1)
                others = ((told_here, "the answer"),)
                yield Observation("leak", where, clause.name, scope.name, entry, others)
                break


def _tells(statement: ast.stmt, name: str) -> bool:
    answers = isinstance(statement, ast.Return | ast.Raise) or (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and text_of(statement.value.func).rpartition(".")[2] == "abort"
    )
    if not answers:
        return False
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and text_of(node.func) in {"str", "repr"} and passed(node) == (name,):
            return True
        if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Name) and node.value.id == name:
            return True
    return False


def _loose_bodies(page: Page, scope: Scope, entry: EntryPoint, analysis: Analysis) -> Iterator[Observation]:
    """A pydantic field that is a bare `list`: strings, ragged rows and no rows at all get through."""
    names = analysis.names
    for parameter in scope.parameters:
        symbol = names.resolve(parameter.annotation or "", page.module, scope) if parameter.annotation else None
        if symbol is None or symbol.kind != "class" or entry.framework != "fastapi":
            continue
        if not any(base.kind == "external" and base.name.startswith("pydantic.") for base in names.bases(symbol)):
            continue
        other = names.project.module(symbol.path)
        definition = other.classes.get(symbol.name) if other is not None else None
        body = other.scopes.get(symbol.name) if other is not None else None
        if definition is None or body is None or other is None:
            continue
        for field, value in body.values.items():
            if value.removesuffix("()") in _LOOSE:
                line = _field_line(page, symbol, field, analysis) or definition.line
                yield Observation("loose_field", Span(symbol.path, line), field, scope.name, entry)
                break


def _field_line(page: Page, symbol: Symbol, field: str, analysis: Analysis) -> int | None:
    tree = page.tree if page.module.path == symbol.path else analysis.project.tree(symbol.path)
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.ClassDef) and node.name == symbol.name.rpartition(".")[2]:
            for statement in node.body:
                if isinstance(statement, ast.AnnAssign) and text_of(statement.target) == field:
                    return statement.lineno
    return None


def _numpy(page: Page, analysis: Analysis, answers: Answers, runs: list[Inference]) -> Iterator[Observation]:
    """`.numpy()` of what a model returned, with gradients or on a GPU."""
    here = [run for run in runs if run.where.path == page.module.path]
    for name in sorted({run.function for run in here}):
        scope = page.module.scopes.get(name)
        own = [run for run in here if run.function == name and run.kind in {"module", "loaded"}]
        if scope is None or not own:
            continue
        tensors = Tensors(page, scope, answers)
        for found in page.within(scope, ast.Call):
            node = found.node
            assert isinstance(node, ast.Call)
            if not isinstance(node.func, ast.Attribute) or node.func.attr != "numpy":
                continue
            visit = request_visit(found, page, analysis)
            if visit is None or not tensors.holds(node.func.value):
                continue
            chain = text_of(node.func.value)
            entry = entry_point(visit.entry, analysis)
            where = span_of(page.module.path, node)
            if all(run.grad for run in own) and not _detached(chain, scope):
                yield Observation("numpy_grad", where, text_of(node.func), scope.name, entry)
            elif _moves(page) and ".cpu" not in f"{chain} {scope.values.get(chain.partition('.')[0], '')}":
                yield Observation("numpy_cuda", where, text_of(node.func), scope.name, entry)


def _moves(page: Page) -> bool:
    """Whether the file moves something to a device that may be a GPU."""
    for found in page.each(ast.Call):
        node = found.node
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"to", "cuda"}:
            first = node.args[0] if node.args else None
            if node.func.attr == "cuda" or (first is not None and "device" in text_of(first).lower()):
                return True
    return False


def _detached(chain: str, scope: Scope) -> bool:
    """Whether it may have no gradient: detached before, or one of several outputs, which may be labels."""
    if "[]" in chain:
        return True
    texts = [chain, scope.values.get(chain.partition(".")[0], "")]
    return any(word in text for text in texts for word in (".detach", ".argmax", ".argsort", ".data", ".topk", ".max"))
