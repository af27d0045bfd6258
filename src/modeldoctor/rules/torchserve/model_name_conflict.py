"""MDR656: two archives of one store register the same model and version."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Store
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told_of_store


@rule(
    Store,
    code="MDR656",
    slug="model-name-conflict",
    severity=Severity.ERROR,
    since="0.1",
    summary="two archives of one store register the same model and version",
)
def model_name_conflict(store: Store, context: Context) -> Iterator[Hit]:
    """A name and version can be registered once; the second attempt is a conflict.

    ## What it finds
    Archives in one folder whose manifests (or file names, where the manifest has no name) give the same name and
    version. Archives without a version all have `1.0`.

    ## Why it matters
    Through the API the second answers 409. With `--models all` at start-up nobody catches the exception: the whole
    server ends before it listens, and blames the configuration.

    ## Seen as
    * `Invalid configuration: Model version 1.0 is already registered for model m`

    The register call (`POST /models?url=…`) answers with it. With `--models` at start-up the same stands in
    `logs/ts_log.log` and on the console after `Failed to load model:`; the exit code of the server says nothing.

    ## Fix
    Give every archive its own `--model-name` or `--version`, and keep old versions out of the store.

    ## References
    * github:pytorch/serve, `J/wlm/ModelVersionedRefs.java`, `addVersionModel`;
      `J/http/ConflictStatusException.java`; `J/ModelServer.java`
    """
    del context
    yield from told_of_store(store, "model-name-conflict")
