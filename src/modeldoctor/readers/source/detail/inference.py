"""Calls of a model in a request: on the event loop or not, with gradients or not, and who catches their errors."""

import ast
from collections.abc import Iterator

from modeldoctor.facts.source import Hop, Inference, Span
from modeldoctor.readers.source.detail.loading import entry_point
from modeldoctor.readers.source.detail.models import FORWARD, PREDICTING, Model, Uses, imports_torch
from modeldoctor.readers.source.detail.trees import Found, Page, Pages, span_of
from modeldoctor.readers.source.expressions import text_of
from modeldoctor.readers.source.loads import Analysis, LoadSite
from modeldoctor.readers.source.names import Symbol
from modeldoctor.readers.source.reach import Visit
from modeldoctor.readers.source.syntax import Scope


def inferences(page: Page, analysis: Analysis, pages: Pages, uses: Uses) -> Iterator[Inference]:
    """The calls of a model in one file that a request runs."""
    torch_here = imports_torch(page.module)
    for found in page.each(ast.Call):
        visits = [
            visit
            for visit in analysis.reached.get(Symbol("function", page.module.path, found.around.scope.name), ())
            if visit.entry.context == "request"
        ]
        model = called_model(found, page, uses, torch_here=torch_here) if visits else None
        if model is not None:
            yield _inference(found, model, visits, page, analysis, pages, uses)


def called_model(found: Found, page: Page, uses: Uses, *, torch_here: bool) -> tuple[str, Model] | None:
    """The model that a call runs: `net(x)`, `self.net.forward(x)`, `pipe.predict(x)`."""
    node = found.node
    assert isinstance(node, ast.Call)
    if not node.args and not node.keywords:
        return None
    target = text_of(node.func)
    if "?" in target or target.startswith(("torch.", "nn.", "F.")):
        return None
    scope, module = found.around.scope, page.module
    owner, _, last = target.rpartition(".")
    if owner and last in FORWARD | PREDICTING:
        model = uses.model(owner, module, scope, torch_here=False)
        if model is not None and (last in FORWARD or model.kind == "predictor" or last == "generate"):
            kind = model.kind if last in FORWARD else "predictor"
            return owner, model._replace(kind=kind)
    model = uses.model(target, module, scope, torch_here=torch_here)
    return (target, model) if model is not None and not _inside_a_model(scope, page, uses) else None


def _inside_a_model(scope: Scope, page: Page, uses: Uses) -> bool:
    """Whether the call stands in a model's own code: layers that call layers."""
    return scope.owner is not None and uses.is_module(Symbol("class", page.module.path, scope.owner))


def _inference(
    found: Found,
    named: tuple[str, Model],
    visits: list[Visit],
    page: Page,
    analysis: Analysis,
    pages: Pages,
    uses: Uses,
) -> Inference:
    text, model = named
    node = found.node
    assert isinstance(node, ast.Call)
    path = page.module.path
    where = span_of(path, node)
    # The one that blocks an event loop tells most; among equals the shortest chain.
    visit = min(visits, key=lambda each: (not each.loop, len(each.chain)))
    steps = visit.chain
    reached = Span(steps[0].path, steps[0].line, steps[0].column) if steps else where
    awaited = isinstance(found.parent, ast.Await)
    origin = model.symbol.origin if model.symbol is not None else None
    loads = uses.sites.get(origin, []) if origin is not None else []
    return Inference(
        where,
        text,
        model.kind,
        found.around.scope.name,
        entry_point(visit.entry, analysis),
        tuple(Hop(Span(step.path, step.line, step.column), step.scope, step.target) for step in steps),
        reached,
        loop=_loop(visit, path, found.around.scope, analysis)
        if visit.loop and not awaited and not _offloaded(found)
        else None,
        grad=not found.around.no_grad and not _off_on_the_way(visit, pages),
        evaluated=_evaluated(model, visit, path, loads, uses),
        handled=bool(found.around.tries) or _caught_on_the_way(visit, pages),
        load=Span(loads[0].path, loads[0].call.line, loads[0].call.column) if loads else None,
    )


def _offloaded(found: Found) -> bool:
    """`await asyncio.to_thread(lambda: net(x))`: a lambda runs where it is handed to."""
    return found.around.scope.kind == "lambda"


def _loop(visit: Visit, path: str, scope: Scope, analysis: Analysis) -> Span:
    """The coroutine that blocks: the first one on the way, which is the handler where that is one."""
    places = [(step.path, step.scope) for step in visit.chain] + [(path, scope.name)]
    for file, name in places:
        module = analysis.project.module(file)
        each = module.scopes.get(name) if module is not None else None
        if each is not None and each.kind == "async":
            return Span(file, each.line)
    return Span(path, scope.line)


def _off_on_the_way(visit: Visit, pages: Pages) -> bool:
    """Whether a call of the chain stands under no_grad."""
    for step in visit.chain:
        found = pages.call(step.path, step.line, step.column, step.end)
        if found is not None and found.around.no_grad:
            return True
    return False


def _caught_on_the_way(visit: Visit, pages: Pages) -> bool:
    for step in visit.chain:
        found = pages.call(step.path, step.line, step.column, step.end)
        if found is not None and found.around.tries:
            return True
    return False


def _evaluated(model: Model, visit: Visit, path: str, loads: list[LoadSite], uses: Uses) -> bool:
    """Whether eval() is called in one of the files that take part."""
    files = {path, *(step.path for step in visit.chain)}
    for load in loads:
        files |= {load.path, *(step.path for step in load.chain)}
    if model.symbol is not None and model.symbol.kind == "instance":
        files.add(model.symbol.path)
    return bool(files & uses.eval_files)
