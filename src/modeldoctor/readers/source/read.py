"""The Python source of a folder or file → facts."""

import os

from modeldoctor.facts.pins import Requirements
from modeldoctor.facts.source import Inference, ModelLoad, Observation, Source, Span, Unread
from modeldoctor.readers.source.detail import requests, responses, service
from modeldoctor.readers.source.detail.inference import inferences
from modeldoctor.readers.source.detail.loading import details
from modeldoctor.readers.source.detail.models import MODEL_NAMES, Uses, imports_torch
from modeldoctor.readers.source.detail.trees import Pages
from modeldoctor.readers.source.entries import is_test
from modeldoctor.readers.source.loads import Analysis, analyse, imported_by
from modeldoctor.readers.source.syntax import Module, Scope

MAX_PAGES = 400  # files that are looked at in detail: those of a service, not of everything beside it
MAX_CHECKPOINTS = 20  # that are opened because a load names them

_SERVED = frozenset({"per_request", "lazy", "at_startup", "at_import", "background"})
_PACKAGES = ("flask", "fastapi", "starlette", "django", "pydantic", "torch", "werkzeug", "quart")


def read_source(
    path: str,
    shown: str,
    files: list[str] | None = None,
    loaders: tuple[str, ...] = (),
    getters: tuple[str, ...] = (),
    requirements: Requirements | None = None,
) -> Source:
    """The facts of a folder, or of one file. `shown` is the path that reports print; places are relative to it.

    `files` are its files, relative with `/`; found by walking when not given. `requirements` are what its manifests ask
    for; read when not given. Never raises for what lies in a file.
    """
    if not os.path.isdir(path):
        path, name = os.path.split(path)
        shown = os.path.dirname(shown)
        files = [name]
    elif files is None:
        files = python_files(path)
    analysis = analyse(path or ".", files, loaders, getters)
    # Unpickling may read anything: it makes a project one that serves models only where a service runs it.
    models = any(load.loader.kind != "data" or load.when in _SERVED for load in analysis.loads)
    about_models = models or _mentions_torch(analysis)
    loads, runs, notes = _in_detail(analysis) if about_models else ((), (), ())
    return Source(
        shown or ".",
        len(analysis.project.paths),
        analysis.frameworks,
        len(analysis.entries),
        tuple(_with_checkpoints(loads, path or ".", shown)),
        runs,
        notes,
        tuple(Unread(Span(each.path, each.line or 1), each.kind, each.reason) for each in analysis.unparsed),
        _versions(path or ".", shown, requirements) if about_models and analysis.entries else (),
    )


def python_files(path: str) -> list[str]:
    """The files of a project, relative with `/`; without version control, environments, caches and packages."""
    from modeldoctor.facts.pins import Flaw
    from modeldoctor.readers.project.files import walk

    flaws: list[Flaw] = []
    return list(walk(path, flaws, path))


def _mentions_torch(analysis: Analysis) -> bool:
    paths = {entry.function.path for entry in analysis.entries}
    return any(b"torch" in (analysis.project.source(path) or b"") for path in sorted(paths))


def _in_detail(
    analysis: Analysis,
) -> tuple[tuple[ModelLoad, ...], tuple[Inference, ...], tuple[Observation, ...]]:
    pages = Pages(analysis.project)
    uses = Uses(analysis.loads, analysis.names)
    paths = _worth_reading(analysis, uses)
    for path in paths:
        page = pages.page(path)
        if page is not None:
            uses.note(page)
    runs: list[Inference] = []
    notes: list[Observation] = []
    for path in paths:
        page = pages.page(path)
        if page is None:
            continue
        runs += inferences(page, analysis, pages, uses)
        notes += requests.observations(page, analysis, uses)
        notes += service.observations(page, analysis, pages)
        notes += service.lifecycle(page, analysis.names, pages)
    for path in paths:
        page = pages.page(path)
        if page is not None:
            notes += responses.observations(page, analysis, pages, runs)
    for path in (path for path in analysis.project.paths if is_test(path)):
        if b"TestClient" in (analysis.project.source(path) or b""):
            page = pages.page(path)
            notes += service.tests(page, analysis.names) if page is not None else ()
    notes += service.health(analysis)
    if service.error_handlers(analysis):
        notes.append(Observation("error_handler", Span("", 1)))
    notes = [
        note for note in notes if note.kind not in {"debug", "reload"} or _serves_models(note.where.path, analysis)
    ]
    loads = tuple(details(site, analysis, pages, uses) for site in analysis.loads)
    return loads, tuple(runs), tuple(dict.fromkeys(notes))


def _serves_models(path: str, analysis: Analysis) -> bool:
    """Whether running a file brings a model into the process: it imports torch or a file that loads."""
    loading = {load.path for load in analysis.loads if load.when in _SERVED and load.loader.kind == "weights"}
    module = analysis.project.module(path)
    return (module is not None and imports_torch(module)) or not loading.isdisjoint(imported_by({path}, analysis.names))


def _worth_reading(analysis: Analysis, uses: Uses) -> list[str]:
    """Files with loads that a service reaches, that make the application, or whose code calls a model in a request.

    Told by the summaries: of a thousand files only these are parsed again.
    """
    served = [load for load in analysis.loads if load.when in _SERVED]
    files = {load.path for load in served} | {step.path for load in served for step in load.chain}
    files |= {entry.function.path for entry in analysis.entries if entry.context in {"startup", "import"}}
    for symbol, visits in analysis.reached.items():
        module = analysis.project.module(symbol.path)
        asked = [visit for visit in visits if visit.entry.context == "request"]
        if module is not None and asked and _calls_a_model(module, module.scopes[symbol.name], uses):
            files.add(symbol.path)
            files |= {step.path for visit in asked for step in visit.chain}
    known = set(analysis.project.paths)
    return sorted(files & known)[:MAX_PAGES]


def _calls_a_model(module: Module, scope: Scope, uses: Uses) -> bool:
    """Whether a function calls a model, or does what the rules on requests mind."""
    torch_here = imports_torch(module)
    for call in scope.calls:
        owner, _, last = call.target.rpartition(".")
        if torch_here and last in MODEL_NAMES:
            return True
        symbol = uses.names.resolve(call.target, module, scope)
        external = symbol.name if symbol is not None and symbol.kind == "external" else ""
        if external in requests.POOLS or external in requests.GLOBAL_STATE or uses.kind(symbol) is not None:
            return True
        if owner and uses.kind(uses.symbol(owner, module, scope)) is not None:
            return True
        if ("." in call.target or "[]" in call.target) and uses.kind(
            uses.symbol(call.target, module, scope)
        ) is not None:
            return True
    return False


def _with_checkpoints(loads: tuple[ModelLoad, ...], root: str, shown: str) -> list[ModelLoad]:
    """The loads, each with the file that it names where that is there."""
    from modeldoctor.errors import ReadError

    known: dict[str, object] = {}
    done = []
    for load in loads:
        real = _named_file(load, root) if load.file.text and load.when in _SERVED else None
        if real is not None and real not in known and len(known) < MAX_CHECKPOINTS:
            from modeldoctor.readers.checkpoint import read_checkpoint

            below = os.path.relpath(real, root).replace(os.sep, "/")
            try:
                known[real] = read_checkpoint(real, f"{shown}/{below}" if shown not in {"", "."} else below)
            except ReadError:
                known[real] = None
        done.append(load._replace(checkpoint=known.get(real)) if real is not None else load)  # type: ignore[arg-type]
    return done


def _named_file(load: ModelLoad, root: str) -> str | None:
    """The file below the root that a literal path means: from the root, or from a folder above the code."""
    folder = os.path.dirname(load.where.path)
    while True:
        real = os.path.normpath(os.path.join(root, folder, load.file.text))
        if real.startswith(os.path.normpath(root)) and os.path.isfile(real):
            return real
        if not folder:
            return None
        folder = os.path.dirname(folder)


def _versions(root: str, shown: str, requirements: Requirements | None) -> tuple[tuple[str, str, str], ...]:
    """The exact releases that the project pins."""
    if requirements is None:
        from modeldoctor.readers.project import read_project

        requirements = read_project(root, shown)
    main = requirements.main
    found = []
    for package in _PACKAGES:
        pins = [pin for pin in (main.pins(package) if main is not None else ()) if pin.version]
        if pins:
            found.append((package, pins[-1].version, pins[-1].place))
    return tuple(found)
