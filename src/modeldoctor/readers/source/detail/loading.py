"""The details of a load: its arguments, what stands around it, what becomes of its errors."""

import ast
import os
import re

from modeldoctor.facts.source import EntryPoint, Handler, Hop, ModelLoad, Once, Span
from modeldoctor.readers.source.detail.files import file_of, keywords
from modeldoctor.readers.source.detail.models import Uses
from modeldoctor.readers.source.detail.trees import Found, Page, Pages
from modeldoctor.readers.source.expressions import text_of
from modeldoctor.readers.source.frameworks import Entry
from modeldoctor.readers.source.loads import Analysis, LoadSite
from modeldoctor.readers.source.names import Symbol
from modeldoctor.readers.source.syntax import MAIN_BLOCK

_EVERYTHING = frozenset({"Exception", "BaseException"})
_CHECKED = ("is_available", "device_count", "torch.cuda")
# Words in a route or function name that say that loading is what was asked for.
_RELOAD = re.compile(
    r"(re|un)?load(_?(the_)?(models?|weights|checkpoint))?|init(ialize)?(_?model)?|warm_?up"
    r"|(switch|change|set|select|update|refresh|activate|swap|register)_?models?"
)
_STOPS = ("exit", "abort", "_exit", "fail", "HTTPException")
_FRAMEWORKS_UNDER_A_SERVER = frozenset({"flask", "fastapi", "django"})


def details(site: LoadSite, analysis: Analysis, pages: Pages, uses: Uses) -> ModelLoad:
    """The facts of one load."""
    page = pages.page(site.path)
    found = pages.call(site.path, site.call.line, site.call.column, (site.call.end_line, site.call.end_column))
    base = ModelLoad(
        Span(site.path, site.call.line, site.call.column, site.call.end_line, site.call.end_column),
        site.loader.name, site.loader.kind, site.loader.reads, site.when, site.scope,
        entry=entry_point(site.entry, analysis) if site.entry is not None else None,
        chain=hops(site),
        once=_once(site),
        dependency=next((Span(s.path, s.line, s.column) for s in site.chain if s.target.startswith("Depends(")), None),
        uses=uses.of_site(site),
    )  # fmt: skip
    if page is None or found is None or not isinstance(found.node, ast.Call):
        return base
    given = dict(keywords(found.node))
    handlers = tuple(_handlers(site.path, found))
    return base._replace(
        file=file_of(site, found, pages, analysis.names),
        uses=base.uses | _inline_uses(found),
        weights_only=_constant(given.get("weights_only")),
        map_location=_map_location(found, given),
        handlers=handlers,
        raised=tuple(_raised(site.path, found)),
        swallowed=_swallowed(page, found, handlers),
        retried=_retried(site.path, found, given),
        main_only=_main_only(site, analysis),
        explicit_reload=_asked_for(site),
    )


def entry_point(entry: Entry, analysis: Analysis) -> EntryPoint:
    """What the framework calls, with its place."""
    known = analysis.names.scope_of(entry.function)
    line = known[1].line if known is not None else 1
    is_async = known is not None and known[1].kind == "async"
    return EntryPoint(entry.framework, entry.context, entry.label, Span(entry.function.path, line), is_async)


def hops(site: LoadSite) -> tuple[Hop, ...]:
    """The chain of a load."""
    return tuple(Hop(Span(step.path, step.line, step.column), step.scope, step.target) for step in site.chain)


def _once(site: LoadSite) -> Once | None:
    once = site.once
    if once is None:
        return None
    return Once(once.kind, once.text, Span(site.path, once.line), once.locked, once.scope)


def _constant(node: ast.expr | None) -> str:
    if node is None:
        return "missing"
    return str(node.value) if isinstance(node, ast.Constant) else "computed"


def _map_location(found: Found, given: dict[str, ast.expr]) -> str:
    assert isinstance(found.node, ast.Call)
    node = given.get("map_location") or (found.node.args[1] if len(found.node.args) > 1 else None)
    if node is None or (isinstance(node, ast.Constant) and node.value is None):
        return "guarded" if _cuda_known(found) else "missing"
    if isinstance(node, ast.Call) and text_of(node.func).rpartition(".")[2] == "device" and node.args:
        node = node.args[0]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.partition(":")[0]
    return "computed"


def _cuda_known(found: Found) -> bool:
    """Whether the call stands in the branch that is taken where CUDA is there."""
    return any(holds and any(word in ast.unparse(test) for word in _CHECKED) for test, holds in found.around.tests)


def _inline_uses(found: Found) -> frozenset[str]:
    """What the expression itself does with the result: `net.load_state_dict(torch.load(p))`, `torch.load(p).eval()`."""
    parent = found.parent
    node = found.node
    if isinstance(parent, ast.Call) and node in parent.args:
        last = text_of(parent.func).rpartition(".")[2]
        return frozenset({"state_dict"}) if last == "load_state_dict" else frozenset()
    if isinstance(parent, ast.Call) and parent.func is node:
        return frozenset({"module"})
    if isinstance(parent, ast.Attribute):
        return frozenset({"module"}) if parent.attr in {"eval", "cuda", "forward"} else frozenset({"mapping"})
    return frozenset({"mapping"}) if isinstance(parent, ast.Subscript) else frozenset()


def _handlers(path: str, found: Found) -> list[Handler]:
    """The clauses that catch an error of the call and do not raise it again."""
    kept = []
    for attempt in found.around.tries:
        for clause in attempt.handlers:
            if _goes_on(clause.body):
                caught = _classes(clause.type)
                broad = not caught or not _EVERYTHING.isdisjoint(caught)
                first = clause.body[0]
                where = Span(path, clause.lineno, clause.col_offset + 1)
                kept.append(Handler(where, Span(path, first.lineno, first.col_offset + 1), caught, broad))
    return kept


def _raised(path: str, found: Found) -> list[Span]:
    """Where the clauses around the call raise."""
    clauses = [clause for attempt in found.around.tries for clause in attempt.handlers]
    raising = [node for clause in clauses for node in clause.body if isinstance(node, ast.Raise)]
    return [Span(path, node.lineno, node.col_offset + 1) for node in raising]


def _classes(node: ast.expr | None) -> tuple[str, ...]:
    if node is None:
        return ()
    nodes = node.elts if isinstance(node, ast.Tuple) else [node]
    return tuple(text_of(each).rpartition(".")[2] for each in nodes)


def _goes_on(body: list[ast.stmt]) -> bool:
    """Whether a block neither raises nor ends the process or the request with an error."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Raise):
                return False
            if isinstance(node, ast.Call) and text_of(node.func).rpartition(".")[2] in _STOPS:
                return False
            if isinstance(node, ast.Call) and _loads_again(node):
                return False
    return True


def _loads_again(node: ast.Call) -> bool:
    return (
        text_of(node.func).rpartition(".")[2] in {"load", "from_pretrained", "load_state_dict"}
        or "load" in text_of(node.func).lower().rpartition(".")[2]
    )


def _swallowed(page: Page, found: Found, handlers: tuple[Handler, ...]) -> Span | None:
    """Where a failure is passed over: a clause that goes on, or a missing file that is only a test away."""
    for handler in handlers:
        if handler.broad or {"FileNotFoundError", "OSError", "IOError", "UnpicklingError"} & set(handler.classes):
            return handler.action
    for test, holds in found.around.tests:
        words = ast.unparse(test)
        if holds and any(word in words for word in ("os.path.exists", "isfile", ".exists()", "is_file()")):
            parent = page.branches.get(id(test))
            if parent is None or not parent.orelse or _goes_on(parent.orelse):
                return Span(page.module.path, test.lineno, test.col_offset + 1)
    return None


def _retried(path: str, found: Found, given: dict[str, ast.expr]) -> Span | None:
    """A second load with weights_only=False in the clause that catches the refusal of the first."""
    if _constant(given.get("weights_only")) == "False":
        return None
    for attempt in found.around.tries:
        for clause in attempt.handlers:
            for statement in clause.body:
                for node in ast.walk(statement):
                    if isinstance(node, ast.Call) and any(
                        name == "weights_only" and _constant(value) == "False" for name, value in keywords(node)
                    ):
                        return Span(path, node.lineno, node.col_offset + 1)
    return None


def _main_only(site: LoadSite, analysis: Analysis) -> Span | None:
    """The handler that needs a model which only `python app.py` loads."""
    if site.entry is None or site.entry.function.name != MAIN_BLOCK or site.when != "at_startup":
        return None
    visits = analysis.reached.get(Symbol("function", site.path, site.scope), ())
    if any(visit.entry.function.name != MAIN_BLOCK for visit in visits):
        return None
    if os.path.basename(site.entry.function.path) == "manage.py":
        return None
    for entry in analysis.entries:
        if (
            entry.context == "request"
            and entry.framework in _FRAMEWORKS_UNDER_A_SERVER
            and entry.function.path == site.entry.function.path
        ):
            known = analysis.names.scope_of(entry.function)
            return Span(entry.function.path, known[1].line if known is not None else 1)
    return None


def _asked_for(site: LoadSite) -> bool:
    """Whether the handler is there to load: `POST /reload`."""
    if site.entry is None or site.entry.context != "request":
        return False
    route = site.entry.label.rpartition(" for ")[2].lower().strip("/") if " for " in site.entry.label else ""
    name = site.entry.function.name.rpartition(".")[2].lower()
    words = (*route.replace("-", "_").split("/"), name)
    return any(_RELOAD.fullmatch(word) for word in words)
