"""MDR640: model-config.yaml cannot be read or is not packed."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR640",
    slug="config-unparsable",
    severity=Severity.ERROR,
    since="0.1",
    summary="model-config.yaml cannot be read or is not packed",
)
def config_unparsable(archive: Archive, context: Context) -> Iterator[Hit]:
    """The file that `configFile` names is parsed twice: the frontend forgives, the worker does not.

    ## What it finds
    YAML with syntax errors (tabs among them), texts that are not UTF-8, and names that are not in the archive.

    ## Why it matters
    The frontend logs an error and registers the model with defaults (200). Then every worker dies when it parses
    the file itself.

    ## Seen as
    * `ERROR ModelArchive - Failed to parse model config file model-config.yaml`
    * `yaml.scanner.ScannerError: while scanning for the next token`
    * `FileNotFoundError: [Errno 2] No such file or directory: '…/model-config.yaml'`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Mend the YAML (`python -c "import yaml; yaml.safe_load(open('model-config.yaml'))"`), and pack it with
    `--config-file`.

    ## References
    * github:pytorch/serve, `archive/model/ModelArchive.java`, `getModelConfig`; `ts/service.py`;
      `ts/utils/util.py`, `get_yaml_config`
    """
    yield from told(archive, context, "config-unparsable")
