"""How the worker finds the handler: ts/model_loader.py, TsModelLoader.load."""

from collections.abc import Iterator

from modeldoctor.facts.archive import MANIFEST, Archive, Class, Module, Signature
from modeldoctor.findings import Confidence, Severity
from modeldoctor.predict.torchserve.faults import FAILED, Fault, at_load
from modeldoctor.predict.torchserve.names import archive_names, in_archive, kin, standard_library
from modeldoctor.predict.torchserve.unpack import near
from modeldoctor.tables import table
from modeldoctor.wording import listing, quoted


def resolution(archive: Archive) -> Iterator[Fault]:
    """The name in the manifest → a module, or what the worker says instead."""
    if not isinstance(archive.manifest.frontend, dict):
        return
    line = archive.manifest.line_of("handler")
    place = (*at_load(archive), MANIFEST, line)
    handler, name = archive.handler, archive.handler_module
    if not handler:
        seen = "ModuleNotFoundError: No module named 'ts.torch_handler./…': the model folder is taken for the handler"
        yield Fault(
            "handler-unnamed",
            "the manifest names no handler",
            'add `"handler": "handler.py"` to `model`',
            Severity.ERROR,
            *place,
            seen,
        )
        return
    head = name.partition(".")[0]
    if archive.module(name) or in_archive(archive, name):
        if handler.startswith("/"):
            message = f"the handler {quoted(handler)} is a path of another machine; only {quoted(name)} of it counts"
            yield Fault("handler-host-path", message, f"write `{name}.py`", Severity.INFO, member=MANIFEST, line=line)
    elif name in table("torchserve")["frozen"] or (head in standard_library() and "." not in name):
        message = f"the handler {quoted(handler)} is a module of Python, not of the archive"
        yield Fault(
            "handler-not-found",
            message,
            "rename the handler file",
            Severity.ERROR,
            *place,
            "ValueError: Expected only one class in custom service code or a function entry point []",
        )
    elif handler not in table("torchserve")["handlers"]:
        yield _not_found(archive, handler, name, line)


def _not_found(archive: Archive, handler: str, name: str, line: int | None) -> Fault:
    tail = f"{name.replace('.', '/')}.py"
    below = [
        member for member in archive.members if member == tail or member.endswith(f"/{name.rpartition('.')[2]}.py")
    ]
    built_in = [each for each, row in table("torchserve")["handlers"].items() if row["class"]]
    meant = near(handler, built_in) or near(name, archive_names(archive))
    other = next((each for each in built_in if each == handler.split(":", maxsplit=1)[0].removesuffix(".py")), None)
    if below:
        message = f"the handler {quoted(handler)} lies at {quoted(below[0])}, and folders in its name are not followed"
        fix = "pack the handler at the root of the archive"
    elif other:
        message, fix = f"{quoted(handler)} is not how a handler of the server is named", f"write `{other}`"
    elif meant:
        message, fix = f"there is no handler {quoted(handler)}: did you mean `{meant}`?", f"write `{meant}`"
    else:
        message = f"the handler {quoted(handler)} needs {quoted(tail)} in the archive, which is not there"
        fix = f"pack {quoted(tail)} at the root of the archive"
    seen = f"ModuleNotFoundError: No module named '{name}', then No module named 'ts.torch_handler.{handler}'"
    return Fault("handler-not-found", message, fix, Severity.ERROR, *at_load(archive), MANIFEST, line, seen)


# --------------------------------------------------------------------------- the entry point


def entry(archive: Archive) -> Iterator[Fault]:
    """The function or the one class of the handler module, and whether the server can call it."""
    module = archive.module(archive.handler_module)
    if module is None or module.error:
        return
    bindings = dict(module.bindings)
    stars = [archive.module(name) for name in module.stars]
    if all(stars):  # names that come from the archive's own modules; classes among them do not count
        bindings = {name: "import" for star in stars if star for name, _ in star.bindings if name[0] != "_"} | bindings
        module = module._replace(stars=())
    after = archive.handler.split(":", 1)[1] if ":" in archive.handler else ""
    name = after or "handle"
    line = archive.manifest.line_of("handler")
    kind = bindings.get(name)
    if after not in {"", "handle"} and kind is None and not module.stars:
        message = f"{quoted(module.member)} has no {quoted(after)}: the loader ignores the name and takes the one class"
        yield Fault(
            "handler-colon",
            message,
            f"write `{module.name}.py`, or the name of a function",
            Severity.WARNING,
            member=MANIFEST,
            line=line,
        )
    if kind is not None and kind.endswith(("class", "alias", "made")):
        yield _colon_class(archive, module, name, line)
    elif kind is not None:
        if not kind.startswith("maybe"):
            yield from _function(archive, module, name)
    elif not module.stars:
        yield from _class(archive, module, bindings)


def _colon_class(archive: Archive, module: Module, name: str, line: int | None) -> Fault:
    found = module.named(name)
    init = found.method("__init__") if found else None
    takes = init.most + 1 if init and init.most is not None else 1
    message = f"{quoted(archive.handler)} names a class, and the loader calls what stands after `:` with two arguments"
    if ":" not in archive.handler:
        message = f"{quoted(module.member)} has a class called `handle`, which the loader takes for a function"
    seen = f"TypeError: {name}.__init__() takes {takes} positional argument{'s' * (takes != 1)} but 3 were given"
    fix = f"write `{module.name}.py`: the class is found when it is the only one"
    return Fault("handler-colon", message, fix, Severity.ERROR, *at_load(archive), MANIFEST, line, seen)


def _function(archive: Archive, module: Module, name: str) -> Iterator[Fault]:
    found = next((each for each in reversed(module.functions) if each.name == name), None)
    if found is None or not found.plain:
        return
    if misfit := _misfit(found, 2):
        message = f"the server calls `{name}(data, context)`, and {quoted(module.member)} has it take {misfit}"
        seen = f"TypeError: {name}() takes {_count(found)} but 2 were given"
        yield Fault(
            "handler-signature",
            message,
            f"define `def {name}(data, context)`",
            Severity.ERROR,
            *at_load(archive),
            module.member,
            found.line,
            seen,
        )


def _class(archive: Archive, module: Module, bindings: dict[str, str]) -> Iterator[Fault]:
    own = [name for name, kind in bindings.items() if kind in {"class", "made", "alias"}]
    unsure = [
        name
        for name, kind in bindings.items()
        if kind.startswith("maybe") and kind.endswith(("class", "made", "alias"))
    ]
    unsure += [each.name for each in module.classes if not each.sure and each.name in own]
    own = [name for name in own if name not in unsure]
    if len(own) > 1 or (not own and not unsure):
        said = (
            f"{len(own)} classes of its own ({listing(own)})" if own else "no class of its own and no function `handle`"
        )
        message = f"{quoted(module.member)} has {said}; the loader wants exactly one class, or a function `handle`"
        fix = "move helper classes into another module, or add `def handle(data, context)`"
        line = next((each.line for each in module.classes if each.name == own[1]), 1) if len(own) > 1 else 1
        seen = "ValueError: Expected only one class in custom service code or a function entry point […]"
        yield Fault("handler-classes", message, fix, Severity.ERROR, *at_load(archive), module.member, line, seen)
    elif len(own) == 1 and not unsure and (found := module.named(own[0])):
        yield from _service(archive, module, found)


def _service(archive: Archive, module: Module, found: Class) -> Iterator[Fault]:
    """The class is made without arguments; `handle` is looked up, then `initialize` is called."""
    family = kin(archive, module, found)
    place = (*at_load(archive), module.member, found.line)
    init = next((each.method("__init__") for each in family.classes if each.method("__init__")), None)
    if init and init.plain and init.least > 0 and family.known:
        message = f"the server makes `{found.name}()` without arguments, and its `__init__` wants {_needs(init)}"
        seen = f"TypeError: {found.name}.__init__() missing {init.least} required positional argument{_s(init.least)}"
        yield Fault(
            "handler-signature",
            message,
            "give every parameter a default",
            Severity.ERROR,
            *place[:3],
            init.line,
            seen,
            key="__init__",
        )
    abstract = sorted(_abstract(family.classes))
    if abstract and any(
        base.rpartition(".")[2] in {"ABC", "BaseHandler"} for each in family.classes for base in each.bases
    ):
        message = f"`{found.name}` leaves {listing(abstract)} abstract, so it cannot be made"
        seen = f"TypeError: Can't instantiate abstract class {found.name}"
        yield Fault(
            "handler-signature", message, "define the abstract methods", Severity.ERROR, *place, seen, key="abstract"
        )
    for name, seen in (
        ("handle", f"ValueError: Expect handle method in class <class '{module.name}.{found.name}'>"),
        ("initialize", f"AttributeError: '{found.name}' object has no attribute 'initialize'"),
    ):
        if family.has(name) is False:
            close = near(name, [method.name for method in found.methods])
            message = f"the class `{found.name}` has no `{name}`" + (f": did you mean `{close}`?" if close else "")
            wanted = "handle(self, data, context)" if name == "handle" else "initialize(self, context)"
            yield Fault(
                "handler-method-missing", message, f"define `def {wanted}`", Severity.ERROR, *place, seen, key=name
            )
    yield from _methods(archive, module, found)


def _methods(archive: Archive, module: Module, found: Class) -> Iterator[Fault]:
    for each in kin(archive, module, found).classes:
        initialize, handle = each.method("initialize"), each.method("handle")
        owner = next((one for one in archive.modules if one.named(each.name) is each), module)
        if initialize and initialize.plain and (misfit := _misfit(initialize, 1)):
            message = f"the server calls `initialize(context)`, and `{each.name}` has it take {misfit}"
            seen = f"TypeError: {each.name}.initialize() takes {_count(initialize, 1)} but 2 were given"
            yield Fault(
                "handler-signature",
                message,
                "define `def initialize(self, context)`",
                Severity.ERROR,
                *at_load(archive),
                owner.member,
                initialize.line,
                seen,
                key="initialize",
            )
        if handle and handle.plain and (misfit := _misfit(handle, 2)):
            message = f"the server calls `handle(data, context)`, and `{each.name}` has it take {misfit}"
            seen = f"TypeError: {each.name}.handle() takes {_count(handle, 1)} but 3 were given"
            yield Fault(
                "handler-signature",
                message,
                "define `def handle(self, data, context)`",
                Severity.ERROR,
                "infer",
                FAILED,
                owner.member,
                handle.line,
                seen,
                key="handle",
            )
        if handle or initialize:
            return


def _abstract(classes: tuple[Class, ...]) -> set[str]:
    left: set[str] = set()
    for each in reversed(classes):
        for method in each.methods:
            (left.add if method.abstract else left.discard)(method.name)
        left -= each.attributes
    return left


def _misfit(found: Signature, given: int) -> str:
    if found.least <= given and (found.most is None or given <= found.most):
        return ""
    return "no argument" if found.most == 0 else _needs(found)


def _needs(found: Signature) -> str:
    names = found.keywords[: max(found.least, found.most or 0)]
    return listing(names) if names else "no argument"


def _s(number: int) -> str:
    return "" if number == 1 else "s"


def _count(found: Signature, bound: int = 0) -> str:
    number = (found.most or 0) + bound
    return f"{number} positional argument{'s' * (number != 1)}"


# --------------------------------------------------------------------------- modules in the way


def shadows(archive: Archive) -> Iterator[Fault]:
    """Files that hide a module which the worker itself imports: the model folder stands before everything on its path.

    J/util/messages/EnvironmentUtils.java, getEnvString.
    """
    rows = table("torchserve")
    tops = {member.removesuffix(".py") for member in archive.members if member.endswith(".py") and "/" not in member}
    tops |= {
        member.partition("/")[0]
        for member in archive.members
        if member.count("/") == 1 and member.endswith("/__init__.py")
    }
    for name in sorted(tops):
        member = f"{name}.py" if f"{name}.py" in archive.members else f"{name}/__init__.py"
        if name in rows["needed"]:
            wanted = rows["needed"][name]
            module = archive.module(name)
            whole = module is not None and (not wanted or wanted in dict(module.bindings) or bool(module.stars))
            whole = whole or f"{name}/{wanted}.py" in archive.members
            severity = Severity.WARNING if whole or member.endswith("/__init__.py") else Severity.ERROR
            seen = f"AttributeError: module '{name}' has no attribute '{wanted}', then Backend stream closed."
        elif name in rows["with_torch"]:
            severity, seen = Severity.WARNING, f"AttributeError: module '{name}' has no attribute …"
        else:
            continue
        message = f"{quoted(member)} hides the module `{name}` that the worker itself imports"
        place = at_load(archive) if severity is Severity.ERROR else ("", None)
        yield Fault(
            "module-shadows",
            message,
            "rename the file",
            severity,
            place[0],
            place[1],
            member,
            1,
            seen,
            confidence=Confidence.HIGH if severity is Severity.ERROR else Confidence.LOW,
            key=name,
        )
