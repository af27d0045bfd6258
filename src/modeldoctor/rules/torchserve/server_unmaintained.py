"""MDR659: TorchServe is no longer maintained."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Store
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told_of_store


@rule(
    Store,
    code="MDR659",
    slug="server-unmaintained",
    severity=Severity.INFO,
    since="0.1",
    summary="TorchServe is no longer maintained",
)
def server_unmaintained(store: Store, context: Context) -> Iterator[Hit]:
    """The project has ended: its README says that no updates, fixes or security patches are planned.

    ## What it finds
    Any TorchServe archive, told once in a run. The predictions here are those of release 0.12.0, the last one.

    ## Why it matters
    New releases of torch and Python will not be supported, and nobody fixes what is broken. No tool of the project
    checks an archive: torch-model-archiver looks at names of files only, and the `torchserve-check` that guides
    mention does not exist.

    ## Seen as
    * (no line: the notice stands in the README and at the top of every page of the documentation)

    In the README of github:pytorch/serve since March 2025, and at the top of every page of its documentation.

    ## Fix
    Keep what works on a pinned image, and plan to move to a server that is maintained.

    ## References
    * github:pytorch/serve, README.md at commit b5871e20f; the release 0.12.0 of September 2024
    """
    del context
    yield from told_of_store(store, "server-unmaintained")
