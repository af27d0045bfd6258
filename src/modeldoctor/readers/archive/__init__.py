"""A TorchServe archive (MAR, gzip'd tar, folder) → what the server makes of it. Nothing of it is imported or run."""

import os
from typing import TYPE_CHECKING

from modeldoctor.errors import ReadError
from modeldoctor.facts.archive import MANIFEST, Act, Archive, Document, Import, Module, Server, Shape, in_folder
from modeldoctor.facts.checkpoint import Checkpoint, Problem
from modeldoctor.readers.archive import documents
from modeldoctor.readers.archive.members import Head, Members, nested_manifest, open_members

if TYPE_CHECKING:  # `ast` is imported only when there is code
    import ast

    from modeldoctor.readers.archive.follow import Code
    from modeldoctor.readers.checkpoint.inside import Budget

# Texts are written by hand; a larger one is not read.
MAX_TEXT_BYTES = 4 << 20
# YAML is parsed by Python code, at a megabyte in ten seconds.
MAX_YAML_BYTES = 256 << 10
# Python source of one archive that is parsed: two seconds of work.
MAX_SOURCE_BYTES = 4 << 20
# Python files of one archive that are followed.
MAX_MODULES = 100
# Model files of one archive that are read.
MAX_PARTS = 32
_AMBIGUOUS = (".bin", ".pkl", ".pickle", ".joblib", ".th")
MODEL_SUFFIXES = (".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".pkl", ".pickle", ".joblib", ".pt2", ".ptl", ".th")


def read_archive(path: str, shown: str, server: Server | None = None) -> Archive:
    """What the server finds at `path`. ReadError when the disk fails; damage is in `Archive.problems`."""
    members = open_members(path)
    try:
        return _Reading(members, path, shown, server or Server()).archive()
    finally:
        members.close()


class _Reading:
    """The state of reading one archive."""

    def __init__(self, members: Members, path: str, shown: str, server: Server) -> None:
        self.members = members
        self.source_bytes = MAX_SOURCE_BYTES
        size_bytes = 0 if os.path.isdir(path) else os.path.getsize(path)
        self.blank = Archive(shown, members.container, members.holds, size_bytes, members.sizes, server=server)

    def archive(self) -> Archive:
        """Everything, manifest first, for it names the rest."""
        archive = self.blank._replace(manifest=self.manifest())
        config = archive.worker_model.get("configFile") or archive.model.get("configFile")
        archive = archive._replace(
            config=self.config(config) if isinstance(config, str) and config else None,
            labels=self.labels(),
            requirements=self.requirements(archive),
        )
        archive = self.code(archive)
        archive = self.with_models(archive)
        problems = tuple(self.members.problems)
        return archive._replace(problems=problems, refused=self.members.refused)

    def manifest(self) -> Document:
        data = self.members.read(MANIFEST, MAX_TEXT_BYTES)
        if data is not None:
            return documents.manifest(data)
        near = nested_manifest(self.members)
        if near is not None:
            self.members.problems.append(Problem("manifest-elsewhere", "is not where the server looks", near))
        return Document(MANIFEST, absent=True)

    def config(self, name: str) -> Document | None:
        if name not in self.members.sizes:
            return Document(name, absent=True)
        data = self.members.read(name, MAX_YAML_BYTES)
        return None if data is None else documents.configuration(name, data)

    def labels(self) -> Document | None:
        data = self.members.read("index_to_name.json", MAX_TEXT_BYTES)
        return None if data is None else documents.labels("index_to_name.json", data)

    def requirements(self, archive: Archive) -> tuple[tuple[str, str, int], ...]:
        name = archive.model.get("requirementsFile")
        data = self.members.read(str(name), MAX_TEXT_BYTES) if name else None
        return () if data is None else documents.requirements(data)

    # ----------------------------------------------------------------------- code

    def code(self, archive: Archive) -> Archive:
        """The Python files that loading the handler reaches, and what they do."""
        model_file = archive.worker_model.get("modelFile")
        roots = [archive.handler_module, str(model_file or "").split(".")[0]]
        if not any(name.endswith(".py") for name in self.members.sizes):
            return archive
        from modeldoctor.readers.archive.follow import Code

        codes: dict[str, Code] = {}
        modules: list[Module] = []
        pending = [root for root in roots if root]
        while pending and len(modules) < MAX_MODULES:
            name = pending.pop(0)
            member = self.member_of(name)
            if member is None or any(module.member == member for module in modules):
                continue
            tree, module = self.parsed(member)
            modules.append(module)
            if tree is not None:
                codes[module.name] = Code(tree, module)
            pending += _imported(module.imports, module.name, is_package=member.endswith("/__init__.py"))
        archive = archive._replace(modules=tuple(modules))
        return self.followed(archive, codes) if codes else archive

    def parsed(self, member: str) -> "tuple[ast.Module | None, Module]":
        """The tree and the summary of a file."""
        from modeldoctor.readers.archive.code import parse

        data = self.members.read(member, self.source_bytes)
        self.source_bytes -= len(data or b"")
        return parse(member, data) if data is not None else (None, Module(member, member.removesuffix(".py")))

    def member_of(self, name: str) -> str | None:
        """The file that `import name` finds in the model folder."""
        stem = name.replace(".", "/")
        return next((each for each in (f"{stem}/__init__.py", f"{stem}.py") if each in self.members.sizes), None)

    def followed(self, archive: Archive, codes: "dict[str, Code]") -> Archive:
        """What the code does, and the keys that its classes ask for."""
        from modeldoctor.readers.archive.calls import Caller
        from modeldoctor.readers.archive.service import follow
        from modeldoctor.readers.archive.shapes import shape_of
        from modeldoctor.readers.archive.values import DATA

        handler = codes.get(archive.handler_module)
        config = archive.config.worker if archive.config else None
        caller = Caller(codes, self.members.sizes, archive.manifest.worker, config)
        acts: tuple[Act, ...] = ()
        if handler is not None:
            service, function = entry_point(archive.handler, handler.module)
            try:
                acts = follow(caller, handler.module.name, service, function, DATA)
            except RecursionError:
                acts = tuple(caller.acts)
        names = {act.target.text for act in acts if act.kind == "apply" and act.target.kind == "instance"}
        model = archive.module(str(archive.worker_model.get("modelFile") or "").split(".")[0])
        if model and len(model.classes) == 1:
            names.add(f"{model.name}.{model.classes[0].name}")
        shapes: list[Shape] = []
        for name in sorted(names):
            try:
                shape = shape_of(codes, name)
            except RecursionError:
                shape = None
            shapes += [shape] if shape else []
        return archive._replace(acts=acts, shapes=tuple(shapes))

    # ----------------------------------------------------------------------- models

    def with_models(self, archive: Archive) -> Archive:
        """The model files: the one that the manifest names, those that the code loads, and what is called like one."""
        from modeldoctor.readers.checkpoint.inside import Budget
        from modeldoctor.readers.checkpoint.read import inside

        named = [archive.worker_model.get("serializedFile"), *_loaded(archive)]
        names = [name for name in named if isinstance(name, str) and name in self.members.sizes]
        names += [name for name in self.members.sizes if name.lower().endswith(MODEL_SUFFIXES)]
        budget = Budget()
        found: list[tuple[str, Checkpoint]] = []
        for name in dict.fromkeys(names):
            if len(found) == MAX_PARTS:
                self.members.problems.append(
                    Problem("limit", f"only the first {MAX_PARTS} model files were read", name)
                )
                break
            model = self.model(name, archive.path, budget)
            # Vocabularies and caches have these names too.
            stranger = name not in named and name.lower().endswith(_AMBIGUOUS)
            if model is not None and not (stranger and model.state != "understood"):
                found.append((name, model))
        parts = [model if self.members.container == "folder" else inside(model, name) for name, model in found]
        return archive._replace(parts=tuple(parts), models=tuple(found))

    def model(self, name: str, shown: str, budget: "Budget") -> Checkpoint | None:
        """One model file, its places told from the file itself."""
        from modeldoctor.readers.checkpoint.inside import Inside
        from modeldoctor.readers.checkpoint.read import read_source

        source = self.members.source(name)
        if source is None:
            return None
        path = f"{shown}/{name}" if self.members.container == "folder" else shown
        try:
            found = read_source(Inside(source, budget, 1), os.path.basename(name), path)
        except ReadError as error:
            self.members.problems.append(Problem(error.kind, str(error), name))
            return None
        return _of_head(found, source) if isinstance(source, Head) else found


def entry_point(handler: str, module: Module) -> tuple[str, str]:
    """The class or the function that the loader takes, dotted: `("handler.Net", "")` (ts/model_loader.py, load)."""
    bindings = dict(module.bindings)
    function = handler.split(":", 1)[1] if ":" in handler else ""
    function = function or "handle"
    if function in bindings:
        known = any(each.name == function for each in module.functions)
        return "", f"{module.name}.{function}" if known else ""
    classes = [each for each in module.classes if bindings.get(each.name, "").endswith("class")]
    return (f"{module.name}.{classes[0].name}", "") if len(classes) == 1 else ("", "")


def _imported(imports: tuple[Import, ...], name: str, *, is_package: bool) -> list[str]:
    """Dotted names of what a module imports, and of the packages around it."""
    found: list[str] = []
    for each in imports:
        base = each.module
        if each.level:
            parts = name.split(".") if is_package else name.split(".")[:-1]
            parts = parts[: len(parts) - (each.level - 1)]
            base = ".".join([*parts, each.module]).strip(".")
        steps = base.split(".")
        found += [".".join(steps[: index + 1]) for index in range(len(steps)) if base]
        found += [f"{base}.{each_name}".strip(".") for each_name in each.names]
    return found


def _loaded(archive: Archive) -> list[str]:
    texts = [act.value for act in archive.acts if act.kind == "load"]
    return [name for value in texts if value.kind == "text" and (name := in_folder(value.text))]


def _of_head(part: Checkpoint, head: Head) -> Checkpoint:
    """The facts of a model of which only the head was unpacked: what is missing behind it is our cut, not damage."""
    cut = {"truncated", "missing-record", "short-record", "limit", "bad-version"}
    kept = tuple(problem for problem in part.problems if problem.kind not in cut)
    storages = tuple(storage._replace(stored_bytes=None) for storage in part.storages)
    return part._replace(
        size_bytes=head.whole_bytes,
        problems=kept,
        storages=storages,
        state="understood",
        extras=(*part.extras, ("head_only", True)),
    )
