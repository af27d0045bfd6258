"""Every place that loads a model: when it runs, and through what."""

import re
from typing import NamedTuple

from modeldoctor.readers.source.entries import REVEALING, entry_points, is_test
from modeldoctor.readers.source.frameworks import FRAMEWORKS, Entry
from modeldoctor.readers.source.loaders import Loader, last_words, loader
from modeldoctor.readers.source.names import Names, Symbol
from modeldoctor.readers.source.once import Once, guarded
from modeldoctor.readers.source.project import Project, Unparsed
from modeldoctor.readers.source.reach import Step, Visit, Walk, passed_over
from modeldoctor.readers.source.syntax import MAIN_BLOCK, MODULE_BODY, CallSite, Module, Scope


class LoadSite(NamedTuple):
    """A call that loads a model.

    `when`: per_request | at_import | at_startup | lazy | background | script | unknown. `chain` leads from the entry
    point to the call; `once` says what makes a lazy load run once; `entry` what the framework calls.
    """

    path: str
    call: CallSite
    scope: str
    loader: Loader
    when: str
    entry: Entry | None
    chain: tuple[Step, ...]
    once: Once | None


class Analysis(NamedTuple):
    """What the source of a project does. `reached` are the visits of every scope that a served process runs."""

    project: Project
    names: Names
    loads: tuple[LoadSite, ...]
    entries: tuple[Entry, ...]
    reached: dict[Symbol, list[Visit]]

    @property
    def unparsed(self) -> tuple[Unparsed, ...]:
        """The files that could not be read."""
        return tuple(self.project.unparsed.values())

    @property
    def frameworks(self) -> tuple[str, ...]:
        """The frameworks in use."""
        return tuple(dict.fromkeys(entry.framework for entry in self.entries))


ORDER = ("per_request", "background", "lazy", "at_startup", "at_import", "script", "unknown")

# What starts a server: the file that calls it is run, not imported. Resolved names end in these.
_SERVING = ("uvicorn.run", "waitress.serve", "flask.Flask().run", "quart.Quart().run", "sanic.Sanic().run",
            "LitServer().run", "aiohttp.web.run_app", "Server().serve", "ray.serve.run",
            "SocketIO().run", "hypercorn.asyncio.serve", "bjoern.run", "HTTPServer().serve_forever",
            "WSGIServer().serve_forever", "eventlet.wsgi.server",
            "FastAPI().run", "Bottle().run", "bottle.run", "Application().listen", "kserve.ModelServer().start",
            "Interface().launch", "Blocks().launch", "ChatInterface().launch", "runpod.serverless.start")  # fmt: skip


def analyse(root: str, paths: list[str], loaders: tuple[str, ...] = (), getters: tuple[str, ...] = ()) -> Analysis:
    """Read the Python files (relative to `root`) and place every load.

    `loaders` are further names of functions that load a model, `getters` of decorators that keep a result.
    """
    project = Project(root, paths)
    names = Names(project)
    framework_files, loader_files = _interesting(project, loaders)
    modules = [module for path in framework_files if (module := project.module(path)) is not None]
    entries = [entry for module in modules if not is_test(module.path) for entry in entry_points(module, names)]
    serving = {entry.function.path for entry in entries if entry.context != "script"}
    started = _starts_server(modules, names)
    served = imported_by(serving | started | _always_imported(project, modules), names)
    # Streamlit's scripts, whose statements are no import
    rerun = {each.function.path for each in entries if each.function.name == MODULE_BODY and each.context == "request"}
    walk = Walk(names, getters)
    walk.follow(
        [
            *(entry for entry in entries if not entry.label.startswith("dependency ")),
            *(_body(path, MODULE_BODY, "import") for path in sorted(served - rerun)),
            *(_body(path, MAIN_BLOCK, "startup") for path in sorted((serving | started) - rerun)),
        ]
    )
    walk.follow(
        entry for entry in entries if entry.label.startswith("dependency ")
    )  # of what nothing is known to serve
    scripts = Walk(names, getters)
    known = [module for path in loader_files if (module := project.module(path)) is not None]
    scripts.follow(
        _body(module.path, scope, "script")
        for module in known
        for scope in (MODULE_BODY, MAIN_BLOCK)
        if Symbol("function", module.path, scope) not in walk.visits
    )
    loads = [site for module in known for site in _sites(module, names, walk, scripts, loaders)]
    return Analysis(project, names, tuple(loads), tuple(entries), walk.visits)


def _body(path: str, scope: str, context: str) -> Entry:
    label = f"import of {path}" if scope == MODULE_BODY else f"running {path}"
    return Entry("python", context, Symbol("function", path, scope), label)


def _starts_server(modules: list[Module], names: Names) -> set[str]:
    """The files whose own statements start a server."""
    words = {name.rpartition(".")[2] for name in _SERVING}
    return {
        module.path
        for module in modules
        for scope in module.scopes.values()
        if not is_test(module.path)
        for call in scope.calls
        if call.target.rpartition(".")[2] in words
        and (names.external(call.target, module, scope) or "").endswith(_SERVING)
    }


def _interesting(project: Project, extra: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Files that use a framework, and files that mention a loader: told by their bytes before anything is parsed."""
    packages = {package for framework in FRAMEWORKS for package in framework.packages}
    loading = last_words() | {name.rpartition(".")[2] for name in extra}
    framework_words = re.compile(rb"\b(?:" + _either(packages) + rb")\b|@[\w.]+\.(?:" + _either(REVEALING) + rb")\b")
    loader_words = re.compile(rb"\b(?:" + _either(loading) + rb")\b|torchvision|from_pretrained")
    frameworks, loaders = [], []
    for path in project.paths:
        data = project.source(path)
        if data is None:
            continue
        if framework_words.search(data):
            frameworks.append(path)
        if loader_words.search(data):
            loaders.append(path)
    return frameworks, loaders


def _either(words: "set[str] | frozenset[str]") -> bytes:
    return "|".join(sorted(map(re.escape, words))).encode()


def _always_imported(project: Project, modules: list[Module]) -> set[str]:
    """Files that a framework in use imports by their names, whoever imports them."""
    imported = {
        dotted.partition(".")[0]
        for module in modules
        for scope in module.scopes.values()
        for dotted in scope.imports.values()
    }
    names = {name for framework in FRAMEWORKS if imported & set(framework.packages) for name in framework.served}
    return {path for path in project.paths if path.rpartition("/")[2] in names}


def imported_by(paths: set[str], names: Names) -> set[str]:
    """The files whose bodies run when these are imported: imports anywhere in them, followed."""
    found: set[str] = set()
    queue = sorted(paths)
    while queue:
        path = queue.pop()
        module = names.project.module(path) if path not in found else None
        if module is None:
            continue
        found.add(path)
        for scope in module.scopes.values():
            for dotted in (*scope.imports.values(), *scope.stars):
                parts = dotted.split(".")
                for size in range(1, len(parts) + 1):
                    other = names.project.find(".".join(parts[:size]), path)
                    if other is not None and other not in found:
                        queue.append(other)
    return found


def _sites(module: Module, names: Names, walk: Walk, scripts: Walk, extra: tuple[str, ...]) -> list[LoadSite]:
    words = last_words() | {name.rpartition(".")[2] for name in extra}
    sites = []
    for scope in module.scopes.values():
        imported = {**module.body.imports, **scope.imports} if scope.imports else module.body.imports
        torchvision = any(dotted.startswith("torchvision") for dotted in imported.values())
        for call in scope.calls:
            last = call.target.rpartition(".")[2].removesuffix("[]")
            last = imported.get(last, last).rpartition(".")[2]
            vision = torchvision or "odels" in call.target or last == "<any>"
            if last not in words and "from_" not in last and not vision:
                continue
            dotted = names.external(call.target, module, scope)
            known = loader(dotted, call, extra) if dotted is not None else _own(call, module, scope, names, extra)
            if known is None:
                continue
            symbol = Symbol("function", module.path, scope.name)
            visits = [*walk.visits.get(symbol, ()), *scripts.visits.get(symbol, ())]
            sites.append(_place(module, scope, call, known, visits, names))
    return sites


def _own(call: CallSite, module: Module, scope: Scope, names: Names, extra: tuple[str, ...]) -> Loader | None:
    """A function of the project that the configuration calls a loader."""
    symbol = names.resolve(call.target, module, scope) if extra else None
    if symbol is None:
        return None
    dotted = f"{symbol.path.removesuffix('.py').replace('/', '.')}.{symbol.name}"
    return Loader(dotted, "weights", "either") if any(f".{dotted}".endswith(f".{name}") for name in extra) else None


def _place(module: Module, scope: Scope, call: CallSite, known: Loader, visits: list[Visit], names: Names) -> LoadSite:
    """The worst context in which the call runs, through the shortest chain."""
    best: tuple[int, int, Visit | None, str, Once | None] = (len(ORDER) - 1, 0, None, "unknown", None)
    warmed = any(visit.entry.context in {"startup", "import"} for visit in visits)
    for visit in visits:
        if passed_over(call, visit):
            continue
        once = visit.once or guarded(call, module, scope, names, fresh=visit.fresh)
        context = visit.entry.context
        when = {"request": "per_request", "import": "at_import", "startup": "at_startup"}.get(context, context)
        if context == "request" and once is not None:
            when = "lazy"
        if when == "lazy" and warmed:
            continue  # what is kept was loaded before the first request
        rank = (ORDER.index(when), len(visit.chain))
        if best[2] is None or rank < best[:2]:
            best = (*rank, visit, when, once)
    _, _, found, when, once = best
    entry = found.entry if found is not None else None
    return LoadSite(module.path, call, scope.name, known, when, entry, found.chain if found else (), once)
