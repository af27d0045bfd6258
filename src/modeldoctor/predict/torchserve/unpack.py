"""The register call: unpacking and the manifest (archive/model/ModelArchive.java, J/wlm/ModelManager.java)."""

from collections.abc import Iterator

from modeldoctor.facts.archive import MANIFEST, Archive
from modeldoctor.facts.checkpoint import Problem
from modeldoctor.findings import Confidence, Severity
from modeldoctor.predict.torchserve.faults import BROKEN, FORBIDDEN, REFUSED, Fault, at_load
from modeldoctor.tables import table
from modeldoctor.wording import listing, quoted

_NO_NAME = "InvalidModelException: Model name is not defined."
_NOT_SAVED = "InternalServerException: Failed to save model: {} (500; through the API nothing is logged)"
# Problems at which the unpacking ends with an IOException.
_UNREADABLE = frozenset({"truncated", "damaged-member", "encrypted-member", "stored-descriptor", "method"})
_RUNTIMES = ("python", "python3", "LSP")  # archive/model/Manifest.java, RuntimeType


def unpacking(archive: Archive) -> Iterator[Fault]:
    """What is wrong with the container."""
    name = archive.path.rpartition("/")[2]
    seen = _NOT_SAVED.format(name)
    for problem in archive.problems[:50]:
        yield from _problem(archive, problem, seen)
    if archive.container == "tar" and archive.holds == "gzip" and not name.endswith((".tar.gz", ".model")):
        message = f"`--models all` passes over {quoted(name)}: it takes `.mar`, `.tar.gz`, `.model` and folders"
        fix = "name it `.tar.gz`, or list it in `--models`"
        yield Fault("not-an-archive", message, fix, Severity.INFO, key="name")
    odd = [member for member in archive.members if not member.isascii()]
    if odd and archive.container != "folder" and not archive.refused:
        yield Fault(
            "member-name",
            f"{listing(odd)} {'has' if len(odd) == 1 else 'have'} letters outside ASCII, "
            "at which a server without a UTF-8 locale ends when it starts",
            "rename it with ASCII letters, or set `LC_ALL=C.UTF-8` for the server",
            Severity.INFO,
            member=odd[0],
            confidence=Confidence.MEDIUM,
        )


def _problem(archive: Archive, problem: Problem, seen: str) -> Iterator[Fault]:
    kind, member = problem.kind, problem.member
    named = f"{quoted(member)}: {problem.text}" if member else problem.text
    if kind == "not-gzip":
        fix = "name it `.mar`: the server reads every other name as a gzip'd tar"
        if archive.holds != "zip":
            fix = "pack it with `tar czf`, or as a zip archive named `.mar`"
        message = f"the server reads a file of this name as a gzip'd tar, and it {problem.text}"
        yield Fault("not-an-archive", message, fix, phase="register", http=BROKEN, seen=seen)
    elif kind == "not-zip":
        message = f"the server reads `.mar` as a zip archive, and this one {problem.text}: it finds no member"
        fix = "name it `.tar.gz`, or pack a zip archive"
        yield Fault("not-an-archive", message, fix, phase="register", http=REFUSED, seen=f"{_NO_NAME} (400)")
    elif kind in _UNREADABLE:
        if problem != archive.refused:
            return  # the server does not come so far
        fix = "build the archive again, and compare its size after every copy"
        if kind not in {"truncated", "damaged-member"}:
            fix = "pack it as a plain zip: deflated or stored, not encrypted, sizes in the headers"
        message = f"the server cannot unpack it: {named}"
        yield Fault("archive-unreadable", message, fix, phase="register", http=BROKEN, member=member, seen=seen)
    elif kind in {"zip-slip", "bad-path"}:
        said = f"java.io.IOException: Detected Zip Slip vulnerability: {member} (logged at start-up only); {seen}"
        message = f"the server refuses the archive for a member: {named}"
        fix = "pack the files with names below the archive's root"
        yield Fault(
            "zip-slip",
            message,
            fix,
            phase="register",
            http=BROKEN,
            member=member,
            seen=said if kind == "zip-slip" else seen,
        )
    elif kind == "bad-name":
        message = f"a member name is not UTF-8, at which the frontend gives up: {quoted(member or '')}"
        fix = "rename the file with ASCII letters and pack again"
        said = "java.lang.IllegalArgumentException: malformed input (403 through the API)"
        yield Fault(
            "member-name", message, fix, phase="register", http=FORBIDDEN, member=member, seen=said, stops_server=True
        )
    elif kind in {"unreached-members", "unlisted-members", "duplicate-member"}:
        severity = Severity.WARNING if kind != "duplicate-member" else Severity.INFO
        fix = "pack the archive again, so that every tool sees the same members"
        yield Fault("archive-two-views", named, fix, severity, member=member)
    elif kind == "link":
        fix = "pack the file itself: `tar czhf`"
        yield Fault("archive-two-views", named, fix, Severity.WARNING, member=member, key=member or "")
    elif kind in {"bomb", "limit", "unreadable-member", "unreadable"}:
        severity = Severity.INFO if kind == "limit" else Severity.WARNING
        fix = "check what it is before any server unpacks it" if kind == "bomb" else "check this member by itself"
        yield Fault("archive-limits", named, fix, severity, member=member, key=member or "")


# --------------------------------------------------------------------------- manifest


def manifest(archive: Archive) -> Iterator[Fault]:
    """What the frontend and the worker make of the manifest."""
    if archive.refused and archive.manifest.absent:
        return  # it may stand behind what stopped the unpacking
    document = archive.manifest
    if document.absent:
        yield from _absent(archive)
        return
    if document.frontend_error:
        message = f"the manifest is not JSON: {document.frontend_error}"
        seen = "InvalidModelException: Failed to parse signature.json. (400)"
        yield Fault(
            "manifest-invalid",
            message,
            "write it as JSON, or let torch-model-archiver do it",
            phase="register",
            http=REFUSED,
            member=MANIFEST,
            line=document.line,
            seen=seen,
        )
        return
    top = document.frontend
    if not isinstance(top, dict) or not isinstance(top.get("model", {}), dict):
        yield _misshapen(top)
        return
    if document.worker_error:
        phase, http = at_load(archive)
        message = f"the frontend takes the manifest, the worker does not: {document.worker_error}"
        yield Fault(
            "manifest-lenient",
            message,
            "write strict JSON: double quotes, no comments, no byte order mark",
            phase=phase,
            http=http,
            member=MANIFEST,
            line=document.line,
            seen=document.worker_error,
        )
    yield from _values(archive, top)


def _absent(archive: Archive) -> Iterator[Fault]:
    near = next((problem.member for problem in archive.problems if problem.kind == "manifest-elsewhere"), None)
    cut = any(problem.kind == "first-folder-cut" for problem in archive.problems)
    if near and archive.holds == "gzip" and cut:
        message = f"{quoted(MANIFEST)} is lost: of a tar the server cuts off the first folder of every name"
        fix = "pack the folder around the files, as torch-model-archiver does: `tar czf m.tar.gz m/`"
    elif near:
        message = f"the manifest lies at {quoted(near)}; the server looks for {quoted(MANIFEST)} only"
        prefix = near[: -len(MANIFEST)] if near.endswith(f"/{MANIFEST}") else ""
        fix = (
            f"pack what is inside {quoted(prefix)}, not the folder around it" if prefix else f"move it to `{MANIFEST}`"
        )
    elif not archive.members:
        what = "an empty folder" if archive.container == "folder" else "no zip archive"
        message = f"the server finds no member in it: this is {what}"
        fix = "take the archive from its source again (a Git LFS pointer: `git lfs pull`)"
        if archive.refused or any(problem.kind in {"not-zip", "not-gzip"} for problem in archive.problems):
            return
        yield Fault("not-an-archive", message, fix, phase="register", http=REFUSED, seen=f"{_NO_NAME} (400)")
        return
    else:
        message = f"the archive has no {quoted(MANIFEST)}"
        fix = "build it with torch-model-archiver"
    seen = f"{_NO_NAME} (400); with `model_name=` given, or at start-up, the worker dies instead"
    yield Fault(
        "no-manifest", message, fix, phase="register", http=REFUSED, member=near, seen=seen, named=("load", BROKEN)
    )
    said = "ModuleNotFoundError: No module named 'ts.torch_handler./…': the model folder is taken for the handler"
    message = "without a manifest nobody names a handler: when the call names the model, the worker dies instead"
    yield Fault("handler-unnamed", message, fix, phase="load", http=BROKEN, seen=said)


def _misshapen(top: object) -> Fault:
    if top is None:
        said = "the manifest is empty, for which the frontend has no guard"
    elif isinstance(top, dict) and top.get("model") is None:
        said = "`model` in the manifest is null, for which the frontend has no guard"
    else:
        message = "the manifest must be a JSON object with an object `model`"
        seen = "InvalidModelException: Failed to parse signature.json. (400)"
        return Fault(
            "manifest-invalid",
            message,
            "build it with torch-model-archiver",
            phase="register",
            http=REFUSED,
            member=MANIFEST,
            seen=seen,
        )
    return Fault(
        "manifest-invalid",
        said,
        "build it with torch-model-archiver",
        phase="register",
        http=BROKEN,
        member=MANIFEST,
        seen="java.lang.NullPointerException (500)",
        stops_server=True,
    )


def _values(archive: Archive, top: dict[str, object]) -> Iterator[Fault]:
    document, model = archive.manifest, archive.model
    nested = [
        key
        for key in ("modelName", "handler", "modelVersion", "requirementsFile", "configFile")
        if isinstance(model.get(key), dict | list)
    ]
    if nested:
        yield Fault(
            "manifest-invalid",
            f"{quoted(nested[0])} in the manifest must be a text",
            "write it in quotes",
            phase="register",
            http=REFUSED,
            member=MANIFEST,
            line=document.line_of(nested[0]),
            seen="InvalidModelException: Failed to parse signature.json. (400)",
        )
        return
    if not model.get("modelName"):
        fix = 'add `"modelName"` to `model` in the manifest'
        said = f"{_NO_NAME} (400)"
        yield Fault(
            "model-name-missing",
            "the manifest has no `modelName`",
            fix,
            phase="register",
            http=REFUSED,
            member=MANIFEST,
            seen=said,
            notes=(("but", "at start-up the server takes the name of the file"),),
            named=("", None),
        )
    yield from _runtime(archive, top)
    yield from _defaults(archive, top)
    yield from _keys(archive, top)


def _runtime(archive: Archive, top: dict[str, object]) -> Iterator[Fault]:
    runtime = top.get("runtime", "python")  # the default of `new Manifest()`
    line = archive.manifest.line_of("runtime")
    if runtime not in _RUNTIMES:
        message = f"`runtime` in the manifest is {quoted(str(runtime))}; the server knows {listing(_RUNTIMES)}"
        yield Fault(
            "manifest-runtime",
            message,
            "write `python`",
            phase="register",
            http=REFUSED,
            member=MANIFEST,
            line=line,
            seen="InvalidModelException: Runtime is not defined or invalid. (400)",
        )
    elif runtime == "python3":
        message = "`runtime` is `python3`: the worker runs the first `python3` on PATH, not the Python of the server"
        yield Fault(
            "manifest-runtime",
            message,
            "write `python`, which means the interpreter that started torchserve",
            Severity.WARNING,
            *at_load(archive),
            MANIFEST,
            line,
            "ModuleNotFoundError: No module named 'ts', then Backend stream closed.",
            confidence=Confidence.MEDIUM,
        )
    elif runtime == "LSP":
        message = "`runtime` is `LSP`: the C++ backend, which neither the package nor the stock images hold"
        yield Fault(
            "manifest-runtime",
            message,
            "write `python`, or serve it from an image with the C++ backend",
            Severity.ERROR,
            *at_load(archive),
            MANIFEST,
            line,
            "WorkerInitializationException: model_worker_socket not found",
            confidence=Confidence.MEDIUM,
        )


def _defaults(archive: Archive, top: dict[str, object]) -> Iterator[Fault]:
    missing = [key for key in ("createdOn", "archiverVersion") if top.get(key) is None]
    if archive.model.get("modelVersion") is None:
        missing.append("modelVersion")
    if missing:
        message = f"the manifest does not say {listing(missing)}: the server warns or takes a default and goes on"
        seen = "WARN ModelArchive - Model archive version is not defined." if missing[0] != "modelVersion" else ""
        yield Fault(
            "manifest-defaults",
            message,
            "build the archive with torch-model-archiver",
            Severity.INFO,
            member=MANIFEST,
            seen=seen,
        )


def _keys(archive: Archive, top: dict[str, object]) -> Iterator[Fault]:
    """Keys that look like one that is read and is missing."""
    known = table("torchserve")["manifest_keys"]
    for where, names, found in (("", known["top"], top), ("model", known["model"], archive.model)):
        for key in found:
            meant = near(key, [name for name in names if name not in found]) if key not in names else None
            if meant:
                place = f"`{where}` in the manifest" if where else "the manifest"
                yield Fault(
                    "manifest-key",
                    f"{quoted(key)} in {place} is read by nobody: did you mean `{meant}`?",
                    f"write `{meant}`",
                    Severity.WARNING,
                    member=MANIFEST,
                    line=archive.manifest.line_of(key),
                    key=key,
                )


def near(name: str, names: list[str], cutoff: float = 0.84) -> str | None:
    """The name that was probably meant: the same without case, `_` and `-`, or one that is close."""
    from difflib import get_close_matches

    plain = {each.replace("_", "").replace("-", "").lower(): each for each in names}
    word = name.replace("_", "").replace("-", "").lower()
    close = [word] if word in plain else get_close_matches(word, plain, n=1, cutoff=cutoff)
    return plain[close[0]] if close else None
