"""MDR625: the archive's requirements are not installed by this server."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR625",
    slug="requirements-not-installed",
    severity=Severity.WARNING,
    since="0.1",
    summary="the archive's requirements are not installed by this server",
)
def requirements_not_installed(archive: Archive, context: Context) -> Iterator[Hit]:
    """`requirementsFile` is read only when `install_py_dep_per_model=true` is set, which it is not by default.

    ## What it finds
    Archives with requirements on a server that does not install them: an error when the handler imports a package
    that only they name and config.properties is known, else a note.

    ## Why it matters
    Most people think the file is honoured. The worker fails with an import error, or runs with whatever versions
    the server has.

    ## Seen as
    * `ModuleNotFoundError: No module named 'transformers'`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Install the packages in the image of the server, or set in config.properties:

    ```
    install_py_dep_per_model=true
    ```

    ## References
    * github:pytorch/serve, `J/wlm/ModelManager.java`, `setupModelDependencies`
    """
    yield from told(archive, context, "requirements-not-installed")
