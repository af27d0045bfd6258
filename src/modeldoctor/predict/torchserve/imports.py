"""Imports that the worker cannot follow, and the requirements that nobody installs."""

from collections.abc import Iterator

from modeldoctor.facts.archive import MANIFEST, Archive, Import, Module
from modeldoctor.facts.environment import Target
from modeldoctor.findings import Confidence, Severity
from modeldoctor.predict.globals import origin
from modeldoctor.predict.torchserve.faults import LOGS, REFUSED, Fault, at_load
from modeldoctor.predict.torchserve.names import absolute, archive_names, finds, in_archive, standard_library
from modeldoctor.predict.torchserve.unpack import near
from modeldoctor.tables import table
from modeldoctor.wording import listing, quoted

_MISLED = (
    "the last line of the traceback names `ts.torch_handler.<handler>`; the true cause stands above `During handling of"
)


def syntax(archive: Archive) -> Iterator[Fault]:
    """Files on the way to the handler that Python cannot compile."""
    for module in archive.modules:
        if module.error:
            yield Fault(
                "handler-syntax",
                f"{quoted(module.member)} cannot be compiled: {module.error}",
                "mend it: `python -m py_compile` says the same",
                Severity.ERROR,
                *at_load(archive),
                module.member,
                module.line or 1,
                module.error,
                key=module.member,
            )


def imports(archive: Archive) -> Iterator[Fault]:
    """What importing the handler and the model file imports in turn."""
    for module in archive.modules:
        for found in module.imports:
            if found.sure:
                yield from _import(archive, module, found)
    for act in archive.acts:
        holder = next((each for each in archive.modules if each.member == act.member), None)
        if act.kind == "import" and act.sure and act.phase == "load" and holder:
            inside = Import(act.call.lstrip("."), (), len(act.call) - len(act.call.lstrip(".")), act.line)
            # What a function imports of the project's own may have been unpacked by the lines before it.
            known = inside.level or origin(inside.module).owner == "package"
            if known and not any(found.line == act.line for found in holder.imports):
                yield from _import(archive, holder, inside)
    yield from _built_in(archive)


def _import(archive: Archive, module: Module, found: Import) -> Iterator[Fault]:
    place = (*at_load(archive), module.member, found.line)
    if found.level:
        name = absolute(module, found)
        if name is None:
            text = "." * found.level + found.module
            message = f"{quoted(module.member)} imports {quoted(text)} relatively, and it is a module at the top"
            fix = f"write `from {found.module or '…'} import …`; the model folder is on the path"
            yield Fault(
                "import-not-packed",
                message,
                fix,
                Severity.ERROR,
                *place,
                "ImportError: attempted relative import with no known parent package",
                _note(archive),
                key=text,
            )
            return
        if not finds(archive, name) and not any(finds(archive, f"{name}.{each}") for each in found.names):
            yield _absent(archive, module, found, name)
        return
    name, head = found.module, found.module.partition(".")[0]
    if in_archive(archive, head):
        if not finds(archive, name) and not (head in standard_library() or _installed(archive, head)):
            yield _absent(archive, module, found, name)
    elif head == "ts":
        return
    elif head not in standard_library() and head not in table("torchserve")["always"]:
        yield from _foreign(archive, module, found, name)


def _absent(archive: Archive, module: Module, found: Import, name: str) -> Fault:
    message = f"{quoted(module.member)} imports `{name}`, which is not in the archive"
    return Fault(
        "import-not-packed",
        message,
        f"pack `{name.replace('.', '/')}.py` with `--extra-files`",
        Severity.ERROR,
        *at_load(archive),
        module.member,
        found.line,
        f"ModuleNotFoundError: No module named '{name}'",
        _note(archive),
        key=name,
    )


def _foreign(archive: Archive, module: Module, found: Import, name: str) -> Iterator[Fault]:
    """A module of nobody that is known: the project's own, or a package that the server has or has not."""
    head = name.partition(".")[0]
    meant = near(head, [each for each in archive_names(archive) if each != module.name], 0.9)
    owner = origin(name)
    seen = f"ModuleNotFoundError: No module named '{head}'"
    place = (*at_load(archive), module.member, found.line)
    if owner.owner != "package" and (meant or head in table("torchserve")["project_names"]):
        if not _installed(archive, head):
            hint = f": did you mean `{meant}`?" if meant else ", which is not in the archive"
            message = f"{quoted(module.member)} imports `{name}`{hint}"
            fix = (
                f"write `{meant}`" if meant else f"pack it with `--extra-files`; the folder {quoted(head)} is not there"
            )
            yield Fault(
                "import-not-packed",
                message,
                fix,
                Severity.ERROR,
                *place,
                seen,
                _note(archive),
                Confidence.MEDIUM,
                key=name,
            )
        return
    package = owner.distribution or head.replace("_", "-").lower()
    listed = next(
        (row for row in archive.requirements if row[0] in {package.lower(), head.replace("_", "-").lower()}), None
    )
    if archive.server.packages is not None and head in archive.server.packages:
        return
    if listed is None:
        yield from _uninstalled(archive, place, module, head, package, seen)
    elif not archive.server.on("install_py_dep_per_model"):
        file = archive.model.get("requirementsFile")
        sure = bool(archive.server.path) or archive.server.packages is not None
        severity = Severity.ERROR if sure else Severity.INFO
        message = f"{quoted(module.member)} imports `{head}`, which only {quoted(str(file))} names, unread"
        fix = "set `install_py_dep_per_model=true` in config.properties, or install it in the server's environment"
        phase, http = place[:2] if sure else ("", None)
        yield Fault(
            "requirements-not-installed",
            message,
            fix,
            severity,
            phase,
            http,
            module.member,
            found.line,
            seen,
            _note(archive),
            Confidence.MEDIUM,
            key=head,
        )


def _uninstalled(
    archive: Archive, place: tuple[str, int, str, int], module: Module, head: str, package: str, seen: str
) -> Iterator[Fault]:
    known = archive.server.packages is not None
    message = f"{quoted(module.member)} imports `{head}`, which is neither in the archive nor in its requirements"
    if known:
        message += f" nor in the server's environment ({archive.server.source})"
    fix = f"install `{package}` in the server's environment" + ("" if known else ", if it is not there")
    phase, http = place[:2] if known else ("", None)
    yield Fault(
        "dependency-missing",
        message,
        fix,
        Severity.ERROR if known else Severity.INFO,
        phase,
        http,
        *place[2:],
        seen,
        _note(archive),
        Confidence.MEDIUM if known else Confidence.LOW,
        key=head,
    )


def _built_in(archive: Archive) -> Iterator[Fault]:
    """Modules of the server's own handlers, some of which need packages that it does not come with."""
    if archive.handler in table("torchserve")["handlers"] and not archive.module(archive.handler_module):
        line = archive.manifest.line_of("handler")
        yield from _needs(archive, archive.handler, MANIFEST, line)
    for module in archive.modules:
        for found in module.imports:
            if found.sure and found.module.startswith("ts.torch_handler."):
                yield from _needs(archive, found.module.split(".")[2], module.member, found.line)


def _needs(archive: Archive, handler: str, member: str, line: int | None) -> Iterator[Fault]:
    there = archive.server.packages
    needs = table("torchserve")["handlers"].get(handler, {"needs": []})["needs"]
    missing = [name for name in needs if there is None or name.partition(".")[0] not in there]
    if not missing:
        return
    known = there is not None
    message = f"`ts.torch_handler.{handler}` imports {listing(missing)}, which the server does not come with"
    fix = f"install {listing(missing)} in the server's environment"
    phase, http = at_load(archive) if known else ("", None)
    severity, confidence = (Severity.ERROR, Confidence.HIGH) if known else (Severity.INFO, Confidence.LOW)
    seen = f"ModuleNotFoundError: No module named '{missing[0]}'"
    yield Fault(
        "dependency-missing",
        message,
        fix,
        severity,
        phase,
        http,
        member,
        line,
        seen,
        confidence=confidence,
        key=handler,
    )


def _installed(archive: Archive, head: str) -> bool:
    """Whether the server is known to have it, or installs it for this model."""
    there = archive.server.packages
    listed = any(row[0] == head.replace("_", "-").lower() for row in archive.requirements)
    return (there is not None and head in there) or listed


def _note(archive: Archive) -> tuple[tuple[str, str], ...]:
    del archive
    return (("log", f"{LOGS}; {_MISLED} the above exception`"),)


# --------------------------------------------------------------------------- requirements


def requirements(archive: Archive, target: Target) -> Iterator[Fault]:
    """The file that `requirementsFile` names: J/wlm/ModelManager.java, setupModelDependencies."""
    name = archive.model.get("requirementsFile")
    if not name:
        return
    on = archive.server.on("install_py_dep_per_model")
    if str(name) not in archive.members:
        message = f"`requirementsFile` names {quoted(str(name))}, which is not in the archive"
        severity, phase, http = (Severity.ERROR, "register", REFUSED) if on else (Severity.INFO, "", None)
        seen = "ModelException: Custom pip package installation failed for model … (400)"
        yield Fault(
            "requirements-missing",
            message,
            "pack it with `--requirements-file`, or drop the key",
            severity,
            phase,
            http,
            MANIFEST,
            archive.manifest.line_of("requirementsFile"),
            seen,
        )
        return
    yield from _torch_pin(archive, str(name), target, on=on)
    if archive.requirements and not on:
        message = f"{quoted(str(name))} is installed only with `install_py_dep_per_model=true`, which is off by default"
        yield Fault(
            "requirements-not-installed",
            message,
            "install the packages in the server's environment, or switch it on",
            Severity.INFO,
            member=str(name),
            line=1,
        )


def _torch_pin(archive: Archive, name: str, target: Target, *, on: bool) -> Iterator[Fault]:
    from modeldoctor.predict.versions import allows

    pin = next((row for row in archive.requirements if row[0] == "torch" and row[1]), None)
    server = (
        target.torch.text
        if target.torch
        else table("torchserve")["releases"].get(archive.server.release, {}).get("torch")
    )
    if pin is None or server is None or allows(pin[1], server):
        return
    if on:
        message = f"{quoted(name)} asks for `torch{pin[1]}`, which replaces the server's torch {server} for this model"
        fix = "install the torch that the model needs in the server's environment"
    else:
        message = f"{quoted(name)} asks for `torch{pin[1]}`, nobody reads it, and the server has torch {server}"
        fix = f"test the model with torch {server}, or serve it with the torch that it asks for"
    yield Fault("requirements-torch", message, fix, Severity.WARNING, member=name, line=pin[2])
