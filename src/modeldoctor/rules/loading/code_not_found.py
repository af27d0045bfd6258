"""MDR305."""

from collections.abc import Iterator

from modeldoctor.facts.verdict import Code, Verdict
from modeldoctor.findings import Confidence, Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.loading._common import at_global
from modeldoctor.wording import listing, quoted


@rule(
    Verdict,
    code="MDR305",
    slug="code-not-found",
    severity=Severity.ERROR,
    since="0.1",
    summary="the pickle imports code that the project that loads it does not have",
    confidence=Confidence.MEDIUM,
)
def code_not_found(verdict: Verdict, context: Context) -> Iterator[Hit]:
    """Loading the file imports a module or class that is not there in the project that loads it.

    ## What it finds
    Modules and classes that the pickle names, looked for in the project (`check .`, or `--project DIR`) and among what
    its requirements install: found elsewhere in the project under the same name (it says where), in no file of it, in a
    package that nothing pins, or behind a local folder that stands in for that package. Only whole modules and training
    checkpoints with pickled objects name any; a state_dict needs no code.

    ## Why it matters
    A pickle stores the import path of each class. Renaming `models.net` to `shop.nets`, or moving the file to another
    repository, breaks every checkpoint written before, and only when it is loaded.

    ## Seen as
    * `ModuleNotFoundError: No module named 'models'`
    * `AttributeError: Can't get attribute 'Net' on <module 'models.net' from '/srv/app/models/net.py'>`
    * `ModuleNotFoundError: No module named 'ultralytics.nn.tasks'; 'ultralytics' is not a package` (a local file of
      that name)

    ## Fix
    Save the state_dict: it names no classes. Until then, keep an importable alias under the old name:

    ```python
    # models/net.py: the name that old checkpoints import
    from shop.nets import Net
    ```

    or, before the load, `sys.modules["models.net"] = shop.nets`.

    ## References
    * pickle: "What can be pickled and unpickled?" in the Python documentation
    * torch serialization notes: "Saving and loading torch.nn.Modules"
    """
    for code in verdict.code:
        said = _says(code)
        if said is not None and not any(_trusted(f"{code.module}.{name}", context) for name in code.names):
            message, fix, severity = said
            yield Hit(
                message,
                where=at_global(verdict, code.module, code.names[0]),
                fix=fix,
                notes=(("seen as", _error(code)),),
                severity=severity,
                key=code.module,
                data={"phase": "load", "module": code.module, "status": code.status},
            )


def _says(code: Code) -> tuple[str, str, Severity] | None:
    what = f"{listing(list(code.names), 3)} of {quoted(code.module)}"
    if code.status == "moved":
        place = code.elsewhere
        fix = f"re-export it under the old name: a module {quoted(code.module)} that imports it from {quoted(place)}"
        return f"the pickle needs {what}, which the project defines in {quoted(place)} now", fix, Severity.ERROR
    if code.status == "missing":
        fix = "save the state_dict, or add the code under that name to what is deployed"
        return f"the pickle needs {what}, and the project has no such module", fix, Severity.ERROR
    if code.status == "no such name":
        fix = "bring the name back, or save the state_dict"
        return f"the pickle needs {what}, and {quoted(code.place)} does not define it", fix, Severity.ERROR
    if code.status == "not installed":
        fix = f"add `{code.elsewhere}` to {quoted(code.place)}, in the release that wrote the file"
        return f"the pickle needs {what}, and nothing installs `{code.elsewhere}`", fix, Severity.WARNING
    if code.status == "shadowed":
        fix = f"rename {quoted(code.place)}: it hides the installed package of that name"
        return f"the pickle needs {what}, and {quoted(code.place)} stands in for that package", fix, Severity.ERROR
    return None


def _error(code: Code) -> str:
    if code.status == "no such name" or (code.status == "moved" and code.place):
        return f"AttributeError: Can't get attribute '{code.names[0]}' on <module '{code.module}' …>"
    missing = code.module if code.status == "shadowed" else code.module.partition(".")[0]
    return f"ModuleNotFoundError: No module named '{missing}'"


def _trusted(full: str, context: Context) -> bool:
    from fnmatch import fnmatchcase

    return any(fnmatchcase(full, pattern) for pattern in context.trusted_globals)
