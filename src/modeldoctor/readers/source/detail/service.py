"""What a file says about the application as a whole: how it starts, what it is started with, who tests it."""

import ast
import re
from collections.abc import Iterator

from modeldoctor.facts.source import Observation, Span
from modeldoctor.readers.source.detail.loading import entry_point
from modeldoctor.readers.source.detail.trees import Found, Page, Pages, span_of
from modeldoctor.readers.source.entries import is_test
from modeldoctor.readers.source.expressions import text_of
from modeldoctor.readers.source.loads import Analysis
from modeldoctor.readers.source.names import Names, Symbol
from modeldoctor.tables import table

_APPS = ("fastapi.FastAPI()", "starlette.applications.Starlette()")
_HEALTH = re.compile(
    r"(^|[/_])(health|healthz|ready|readyz|readiness|live|livez|liveness|ping|status|heartbeat)($|[/_])"
)
_STARTUP = ("on_event", "add_event_handler")


def observations(page: Page, analysis: Analysis, pages: Pages) -> Iterator[Observation]:
    """What one file of the service says."""
    names = analysis.names
    yield from _old_names(page, names)
    targets = (call.target for scope in page.module.scopes.values() for call in scope.calls)
    available = any("is_available" in target for target in targets)
    for found in page.each(ast.Call):
        node = found.node
        assert isinstance(node, ast.Call)
        target = text_of(node.func)
        external = names.external(target, page.module, found.around.scope) or ""
        where = span_of(page.module.path, node)
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        if external.endswith(".run") and _is_true(given.get("debug")):
            yield Observation("debug", where, external, found.around.scope.name)
        if external == "uvicorn.run" and _is_true(given.get("reload")):
            yield Observation("reload", where, external, found.around.scope.name)
        if external.endswith(".mount") and external.startswith(_APPS):
            yield from _mounted(node, found, page, pages, names)
        if external in {"torch.serialization.add_safe_globals", "torch.serialization.safe_globals"}:
            yield Observation("safe-globals", where, " ".join(_allowed(node, found, page, names)))
        if not available and _served(found, page, analysis):
            yield from _cuda(node, target, external, found, page)
    for found in page.each(ast.Assign) if not available else ():
        node = found.node
        if isinstance(node, ast.Assign) and _names_cuda(node) and _served(found, page, analysis):
            where = Span(page.module.path, node.lineno, node.col_offset + 1)
            yield Observation("forced_cuda", where, ast.unparse(node), found.around.scope.name)


def tests(page: Page, names: Names) -> Iterator[Observation]:
    """Test clients that are made without `with`, so that the application never starts."""
    entered = {
        text_of(item.context_expr)
        for found in page.each(ast.With, ast.AsyncWith)
        if isinstance(found.node, ast.With | ast.AsyncWith)
        for item in found.node.items
    }
    for found in page.each(ast.Call):
        node = found.node
        assert isinstance(node, ast.Call)
        external = names.external(text_of(node.func), page.module, found.around.scope) or ""
        if external.rpartition(".")[2] != "TestClient" or "testclient" not in external:
            continue
        statement = found.around.statement
        if isinstance(statement, ast.With | ast.AsyncWith):
            continue
        name = text_of(statement.targets[0]) if isinstance(statement, ast.Assign) else ""
        if name not in entered:
            yield Observation("test_client", span_of(page.module.path, node), name, found.around.scope.name)


def lifecycle(page: Page, names: Names, pages: Pages) -> Iterator[Observation]:
    """Start-up hooks that are ignored because the application has a lifespan."""
    for found in page.each(ast.Call):
        node = found.node
        assert isinstance(node, ast.Call)
        owner, _, last = text_of(node.func).rpartition(".")
        if last not in _STARTUP or not owner:
            continue
        symbol = names.resolve(owner, page.module, found.around.scope)
        if symbol is None or symbol.name not in _APPS:
            continue
        maker = made_with(symbol, "lifespan", pages)
        if maker is not None:
            others = ((maker, "the application is made with `lifespan=` here"),)
            yield Observation(
                "ignored_event", span_of(page.module.path, node), owner, found.around.scope.name, None, others
            )


def made_with(symbol: Symbol, keyword: str, pages: Pages) -> Span | None:
    """The call that made an application, when it passes this keyword."""
    if symbol.origin is None:
        return None
    path, scope, target = symbol.origin
    page = pages.page(path)
    for found in page.each(ast.Call) if page is not None else ():
        node = found.node
        if not isinstance(node, ast.Call) or found.around.scope.name != scope or text_of(node.func) != target:
            continue
        if any(each.arg == keyword for each in node.keywords):
            return span_of(path, node)
    return None


def _mounted(node: ast.Call, found: Found, page: Page, pages: Pages, names: Names) -> Iterator[Observation]:
    """A mounted application's own start-up never runs."""
    expression = node.args[1] if len(node.args) > 1 else next((k.value for k in node.keywords if k.arg == "app"), None)
    symbol = names.resolve(text_of(expression), page.module, found.around.scope) if expression is not None else None
    if symbol is None or symbol.name not in _APPS:
        return
    start = made_with(symbol, "lifespan", pages) or _hook_of(symbol, text_of(expression).rpartition(".")[2], pages)
    if start is not None:
        others = ((start, "its start-up code"),)
        yield Observation(
            "mounted", span_of(page.module.path, node), text_of(expression), found.around.scope.name, None, others
        )


def _hook_of(symbol: Symbol, name: str, pages: Pages) -> Span | None:
    page = pages.page(symbol.origin[0]) if symbol.origin is not None else None
    for found in page.each(ast.Call) if page is not None else ():
        node = found.node
        if isinstance(node, ast.Call) and text_of(node.func) == f"{name}.on_event" and page is not None:
            return span_of(page.module.path, node)
    return None


def _old_names(page: Page, names: Names) -> Iterator[Observation]:
    """Uses of what a release of the framework removed, or did not have yet."""
    for entry in (*table("web")["removed"], *table("web")["appeared"]):
        owner, _, last = entry["name"].rpartition(".")
        for where in _uses(page, names, entry["package"], owner, last):
            yield Observation("api", where, entry["name"])


def _uses(page: Page, names: Names, package: str, owner: str, last: str) -> Iterator[Span]:
    """Where a name is used: imported, called or set on an object, or passed to the constructor."""
    path = page.module.path
    if owner[:1].islower():
        for found in page.each(ast.ImportFrom):
            node = found.node
            assert isinstance(node, ast.ImportFrom)
            imported = node.module == owner and not found.around.tries
            if imported and any(alias.name == last for alias in node.names):
                yield Span(path, node.lineno, node.col_offset + 1)
        return
    for found in page.each(ast.Call):
        node = found.node
        assert isinstance(node, ast.Call)
        external = names.external(text_of(node.func), page.module, found.around.scope) or ""
        if external.startswith(package) and external.rpartition(".")[2] == owner:
            if any(keyword.arg == last for keyword in node.keywords):
                yield span_of(path, node)
        elif external.startswith(package) and external.endswith(f"{owner}().{last}"):
            yield span_of(path, node)
    for scope in page.module.scopes.values():
        for decorator in scope.decorators:
            if decorator.called or decorator.target.rpartition(".")[2] != last:
                continue
            external = names.external(decorator.target, page.module, page.module.around(scope)) or ""
            if external.startswith(package) and external.endswith(f"{owner}().{last}"):
                yield Span(path, decorator.line, 1)


def _cuda(node: ast.Call, target: str, external: str, found: Found, page: Page) -> Iterator[Observation]:
    """A device that is simply taken to be there."""
    last = target.rpartition(".")[2]
    first = node.args[0] if node.args else None
    named = isinstance(first, ast.Constant) and isinstance(first.value, str) and first.value.startswith("cuda")
    keyword = next((k.value for k in node.keywords if k.arg in {"device", "map_location"}), None)
    by_keyword = isinstance(keyword, ast.Constant) and str(keyword.value).startswith("cuda")
    forced = (last == "cuda" and "." in target and not target.startswith("torch.")) or (last == "to" and named)
    forced = forced or (external == "torch.device" and named) or by_keyword
    tests = " ".join(ast.unparse(test) for test, _ in found.around.tests)
    if forced and "cuda" not in tests and "gpu" not in tests.lower() and not isinstance(found.parent, ast.IfExp):
        yield Observation("forced_cuda", span_of(page.module.path, node), target, found.around.scope.name)


def _names_cuda(node: ast.Assign) -> bool:
    """`device = "cuda"`."""
    value = node.value.value if isinstance(node.value, ast.Constant) else None
    named = "device" in text_of(node.targets[0]).lower()
    return named and isinstance(value, str) and value.startswith("cuda")


def _served(found: Found, page: Page, analysis: Analysis) -> bool:
    visits = analysis.reached.get(Symbol("function", page.module.path, found.around.scope.name), ())
    return any(visit.entry.context in {"request", "startup", "import"} for visit in visits)


def health(analysis: Analysis) -> Iterator[Observation]:
    """Handlers that say that the service is well."""
    for entry in analysis.entries:
        if entry.context != "request" or is_test(entry.function.path):
            continue
        route = entry.label.rpartition(" for ")[2] if " for " in entry.label else ""
        if _HEALTH.search(route.lower()) or _HEALTH.search(entry.function.name.rpartition(".")[2].lower()):
            known = analysis.names.scope_of(entry.function)
            if known is not None:
                reads = " ".join(
                    (*known[1].reads, *(call.target for call in known[1].calls), *known[1].values.values())
                )
                where = Span(entry.function.path, known[1].line)
                asks = "model" in reads.lower() or "ready" in reads.lower() or "load" in reads.lower()
                point = entry_point(entry, analysis)
                yield Observation("health", where, route, entry.function.name, point, certain=not asks)


def error_handlers(analysis: Analysis) -> bool:
    """Whether the application answers errors in its own way."""
    for entry in analysis.entries:
        known = analysis.names.scope_of(entry.function)
        for decorator in known[1].decorators if known is not None else ():
            if decorator.target.rpartition(".")[2] in {"errorhandler", "app_errorhandler", "exception_handler"}:
                given = " ".join((*decorator.arguments, *decorator.literals))
                if "Exception" in given or "500" in given or "?" in given:
                    return True
    return False


def _allowed(node: ast.Call, found: Found, page: Page, names: Names) -> Iterator[str]:
    """The dotted names of the classes that the restricted loader is told to accept."""
    listed = node.args[0] if node.args else None
    for each in listed.elts if isinstance(listed, ast.List | ast.Tuple) else ():
        text = text_of(each)
        symbol = names.resolve(text, page.module, found.around.scope)
        if symbol is not None and symbol.kind == "external":
            yield symbol.name
        elif symbol is not None and symbol.kind == "class":
            yield f"{symbol.path.removesuffix('.py').replace('/', '.')}.{symbol.name}"


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True
