"""What code that a request runs does besides loading and calling the model."""

import ast
from collections.abc import Iterator

from modeldoctor.facts.source import Observation, Span
from modeldoctor.readers.source.detail.loading import entry_point
from modeldoctor.readers.source.detail.models import MODEL_NAMES, Uses, imports_torch
from modeldoctor.readers.source.detail.trees import Found, Page, span_of
from modeldoctor.readers.source.expressions import text_of
from modeldoctor.readers.source.loads import Analysis
from modeldoctor.readers.source.names import Symbol
from modeldoctor.readers.source.reach import Visit

POOLS = (
    "multiprocessing.Pool", "multiprocessing.pool.Pool", "torch.multiprocessing.Pool",
    "multiprocessing.get_context().Pool",
    "concurrent.futures.ProcessPoolExecutor", "concurrent.futures.process.ProcessPoolExecutor",
    "multiprocessing.Process", "torch.multiprocessing.Process", "joblib.Parallel",
)  # fmt: skip
_SENDING = frozenset(
    {"apply", "apply_async", "map", "map_async", "starmap", "starmap_async", "imap", "submit", "Process"}
)
_REQUEST_NAMES = frozenset({"request", "req"})
# Settings of the process that another request sees too.
GLOBAL_STATE = (
    "torch.manual_seed", "torch.cuda.manual_seed", "torch.cuda.manual_seed_all", "numpy.random.seed", "random.seed",
    "torch.set_default_dtype", "torch.set_default_device", "torch.set_default_tensor_type", "torch.set_num_threads",
    "torch.set_num_interop_threads", "torch.set_grad_enabled", "torch.use_deterministic_algorithms",
    "torch.set_float32_matmul_precision", "os.chdir", "torch.cuda.set_device", "torch.backends.cudnn.benchmark",
)  # fmt: skip
_MUTATING = frozenset({"train", "load_state_dict", "half", "float", "double", "bfloat16", "requires_grad_", "to",
                       "cuda", "cpu", "fuse", "zero_grad"})  # fmt: skip


def observations(page: Page, analysis: Analysis, uses: Uses) -> Iterator[Observation]:
    """What one file does in requests."""
    torch_here = imports_torch(page.module)
    for found in [*page.each(ast.Call), *page.each(ast.If, ast.IfExp, ast.UnaryOp)]:
        visit = request_visit(found, page, analysis)
        if visit is None:
            continue
        if isinstance(found.node, ast.Call):
            yield from _call(found.node, found, visit, page, analysis, uses)
        else:
            yield from _truth(found, visit, page, analysis, uses, torch_here=torch_here)


def request_visit(found: Found, page: Page, analysis: Analysis) -> Visit | None:
    """The shortest way on which a request runs what was found, once per request."""
    visits = analysis.reached.get(Symbol("function", page.module.path, found.around.scope.name), ())
    running = [visit for visit in visits if visit.entry.context == "request" and visit.once is None]
    return min(running, key=lambda visit: len(visit.chain), default=None)


def _call(
    node: ast.Call, found: Found, visit: Visit, page: Page, analysis: Analysis, uses: Uses
) -> Iterator[Observation]:
    target = text_of(node.func)
    scope, module = found.around.scope, page.module
    last = target.rpartition(".")[2]
    external = uses.names.external(target, module, scope) or ""
    where = span_of(module.path, node)
    entry = entry_point(visit.entry, analysis)
    if external in POOLS:
        yield Observation("process_pool", where, external, scope.name, entry, tuple(_models_before(page, uses)))
    if last in _SENDING and any(word in external for word in ("Pool", "Process")):
        sent = next((name for name in _sent(node) if name in _REQUEST_NAMES), None)
        if sent is not None:
            yield Observation("request_sent", where, sent, scope.name, entry)
    waits = last in {"get", "result", "join", "wait"} and not node.args and not node.keywords
    if waits and any(word in external for word in (".apply_async()", ".map_async()", "ProcessPoolExecutor().submit()")):
        yield Observation("endless_wait", where, target, scope.name, entry)
    if external in GLOBAL_STATE:
        yield Observation("global_state", where, external, scope.name, entry)
    if last in _MUTATING and "." in target:
        yield from _mutation(node, target, found, page, uses, entry_point(visit.entry, analysis))


def _mutation(
    node: ast.Call, target: str, found: Found, page: Page, uses: Uses, entry: object
) -> Iterator[Observation]:
    from modeldoctor.facts.source import EntryPoint

    assert isinstance(entry, EntryPoint)
    owner, _, last = target.rpartition(".")
    scope, module = found.around.scope, page.module
    head = owner.partition(".")[0]
    shared = (
        head not in scope.values
        and head not in {parameter.name for parameter in scope.parameters}
        and (head != "self" or "." in owner)
    )
    if last in {"to", "cuda", "cpu"} and not _between_devices(node, found, page):
        return
    if last == "float" or not shared or _locked(found):
        return
    model = uses.model(owner, module, scope, torch_here=False)
    if model is not None and model.kind in {"module", "loaded"}:
        yield Observation("shared_mutation", span_of(module.path, node), target, scope.name, entry)


def _between_devices(node: ast.Call, found: Found, page: Page) -> bool:
    """`model.cpu()` and `model.cuda()` in one function: other requests meet the model on the wrong device."""
    owner = text_of(node.func).rpartition(".")[0]
    moves = {
        text_of(each.node.func).rpartition(".")[2]
        for each in page.within(found.around.scope, ast.Call)
        if isinstance(each.node, ast.Call) and text_of(each.node.func).rpartition(".")[0] == owner
    }
    return len(moves & {"to", "cuda", "cpu"}) > 1


def _locked(found: Found) -> bool:
    return any(call.locked and call.line == getattr(found.node, "lineno", 0) for call in found.around.scope.calls)


def _sent(node: ast.Call) -> Iterator[str]:
    for argument in [*node.args[1:], *(keyword.value for keyword in node.keywords)]:
        for each in argument.elts if isinstance(argument, ast.Tuple | ast.List) else [argument]:
            yield text_of(each)


def _models_before(page: Page, uses: Uses) -> Iterator[tuple[Span, str]]:
    """The loads of the module's own body: what a forked process inherits."""
    for sites in uses.sites.values():
        for site in sites:
            if site.path == page.module.path and site.when in {"at_import", "at_startup"}:
                yield Span(site.path, site.call.line, site.call.column), site.loader.name


def _truth(
    found: Found, visit: Visit, page: Page, analysis: Analysis, uses: Uses, *, torch_here: bool
) -> Iterator[Observation]:
    """`if not model:` asks how many layers it has, when it can tell."""
    node = found.node
    if isinstance(node, ast.UnaryOp):
        tested = node.operand if isinstance(node.op, ast.Not) else None
    else:
        tested = node.test if isinstance(node, ast.If | ast.IfExp) else None
    if not isinstance(tested, ast.Name | ast.Attribute):
        return
    text = text_of(tested)
    model = uses.model(text, page.module, found.around.scope, torch_here=torch_here)
    if model is None or (model.kind == "named" and text not in MODEL_NAMES):
        return
    entry = entry_point(visit.entry, analysis)
    scope = found.around.scope
    if model.kind != "predictor":
        certain = model.kind != "named"
        yield Observation("truth", span_of(page.module.path, tested), text, scope.name, entry, certain=certain)
    if isinstance(node, ast.UnaryOp):
        answer = _status(found, page)
        if answer is not None and answer[1] == 500:
            yield Observation("wrong_status", answer[0], text, scope.name, entry)


def _status(found: Found, page: Page) -> tuple[Span, int] | None:
    """The status that the branch for a missing model answers with."""
    statement = found.around.statement
    if not isinstance(statement, ast.If):
        return None
    for inner in statement.body:
        for node in ast.walk(inner):
            if isinstance(node, ast.Constant) and isinstance(node.value, int) and node.value == 500:
                return Span(page.module.path, inner.lineno, inner.col_offset + 1), 500
    return None
