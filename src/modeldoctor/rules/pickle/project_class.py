"""MDR205: names of modules that nobody publishes."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Confidence, Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.pickle._uses import Use, at, bounded, by_module, needs, unpickled, uses
from modeldoctor.wording import count, listing


@rule(
    Checkpoint,
    code="MDR205",
    slug="project-class",
    severity=Severity.WARNING,
    confidence=Confidence.MEDIUM,
    since="0.1",
    summary="the pickle needs code of the project that wrote it",
)
def project_class(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The pickle names classes or functions of modules that belong to no published package we know.

    ## What it finds
    Globals whose top-level module is neither Python's, torch's or NumPy's nor one of about 700 packages that model code
    uses (`tables/packages.json`). What remains is taken for code of the project that wrote the file: `models.yolo`,
    `src.nets`, `utils`. A package we don't know looks the same, so the confidence is medium. Some well-known
    repositories that are cloned instead of installed are named. When a project is checked with its files, the code is
    looked for there, and only `code-not-found` speaks.

    ## Why it matters
    Loading the file imports these modules by name, which runs their top-level code. The same names must lead to the
    same code where the model is served: the package must be installed, or its folder must be on `sys.path`, and no
    other `models` or `utils` may come first. A renamed folder, a moved class or a start from another directory is
    enough to break it.

    ## Seen as
    * `ModuleNotFoundError: No module named 'models'`
    * `AttributeError: Can't get attribute 'Net' on <module 'models' from '/srv/app/models.py'>` (another `models`)
    * `_pickle.UnpicklingError: Weights only load failed. … GLOBAL models.yolo.Model was not an allowed global by
      default.` (torch 2.6 and later)

    ## Fix
    Save the state_dict, so that no file names code. Until then, install the project in the service under the names the
    file asks for, pinned to the revision that wrote it:

    ```sh
    pip install "git+https://github.com/you/project@<revision>"
    python -c "import models.yolo"        # in the folder and as the user the service runs with
    ```

    ## References
    * https://docs.python.org/3/library/pickle.html#what-can-be-pickled-and-unpickled
    * https://github.com/ultralytics/yolov5/issues/22
    """
    found = _uses_of_project(checkpoint, context) if unpickled(checkpoint) else []
    if not found:
        return
    modules = by_module(found)
    sources = dict.fromkeys(use.origin.note for use in found if use.origin.note)
    first = next(iter(modules))
    yield Hit(
        f"loading imports {count(len(modules), 'module')} of the project that wrote the file: {listing(list(modules))}",
        where=at(checkpoint, found[0].pickle, found[0].entry.position),
        fix="save the state_dict, or install that project where the model is served, under the same module names",
        notes=(
            *needs(modules),
            *(("from", source) for source in sources),
            ("seen as", f"ModuleNotFoundError: No module named {first.partition('.')[0]!r}"),
        ),
        key=first.partition(".")[0],
        data={"modules": bounded(modules)},
    )


def _uses_of_project(checkpoint: Checkpoint, context: Context) -> list[Use]:
    """Uses of a project's code, but for what was looked for in the project at hand: that is judged by MDR305."""
    return [use for use in uses(checkpoint, context) if _of_project(use) and use.module not in context.located]


def _of_project(use: Use) -> bool:
    return use.origin.owner == "project" and "<" not in use.name
