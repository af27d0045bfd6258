"""MDR657: config.properties holds a key that nobody reads, or a variable that must be set."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Store
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told_of_store


@rule(
    Store,
    code="MDR657",
    slug="server-settings",
    severity=Severity.WARNING,
    since="0.1",
    summary="config.properties holds a key that nobody reads, or a variable that must be set",
)
def server_settings(store: Store, context: Context) -> Iterator[Hit]:
    """The server reads a fixed list of keys and ignores all others; `$$NAME$$` is taken from the environment.

    ## What it finds
    Keys that are close to a known one (warning), and variables that the file asks for (info).

    ## Why it matters
    A misspelt key is the same as none. A variable that is not set ends the server at start-up with an error about
    the configuration. Variables named `TS_…` count only with `enable_envvars_config=true`.

    ## Seen as
    * `Invalid configuration: Invalid Environment Variable MODEL_STORE`

    The register call (`POST /models?url=…`) answers with it. With `--models` at start-up the same stands in
    `logs/ts_log.log` and on the console after `Failed to load model:`; the exit code of the server says nothing.

    ## Fix
    Write the key as the server does, and set the variables in the environment of the server.

    ## References
    * github:pytorch/serve, `J/util/ConfigManager.java`, `resolveEnvVarVals` and `setSystemVars`
    """
    del context
    yield from told_of_store(store, "server-settings")
