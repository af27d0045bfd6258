"""MDR641: a model-config.yaml that throws an exception nobody catches."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR641",
    slug="config-stops-server",
    severity=Severity.ERROR,
    since="0.1",
    summary="a model-config.yaml that throws an exception nobody catches",
)
def config_stops_server(archive: Archive, context: Context) -> Iterator[Hit]:
    """The frontend takes whatever the YAML holds for a mapping with texts as keys, without looking.

    ## What it finds
    Configurations that are empty, hold a list or a single value, or have a key that is no text (`1: x`, `true: x`).

    ## Why it matters
    With `--models` at start-up the exception ends the whole server before it listens: one such archive in the store
    takes all others with it. Through the API the register call answers 500.

    ## Seen as
    * `java.lang.NullPointerException` (an empty file)
    * `java.lang.ClassCastException: class java.util.ArrayList cannot be cast to class java.util.Map`

    The register call (`POST /models?url=…`) answers with it. With `--models` at start-up the same stands in
    `logs/ts_log.log` and on the console after `Failed to load model:`; the exit code of the server says nothing.

    ## Fix
    Write `key: value` lines, or drop `configFile` from the manifest.

    ## References
    * github:pytorch/serve, `archive/model/ModelConfig.java`, `build`; `archive/utils/ArchiveUtils.java`,
      `readYamlFile`; `J/ModelServer.java`, `initModelStore`
    """
    yield from told(archive, context, "config-stops-server")
