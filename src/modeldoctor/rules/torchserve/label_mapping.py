"""MDR639: `index_to_name.json` is not a mapping that the server takes."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR639",
    slug="label-mapping",
    severity=Severity.ERROR,
    since="0.1",
    summary="`index_to_name.json` is not a mapping that the server takes",
)
def label_mapping(archive: Archive, context: Context) -> Iterator[Hit]:
    """The stock `initialize` parses `index_to_name.json` whenever it is packed.

    ## What it finds
    Files of that name that are no JSON, no object, or hold values that are neither a text nor a list that ends in
    one, when the stock `initialize` runs.

    ## Why it matters
    No worker starts, although the file only decorates the answers.

    ## Seen as
    * `json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 25 (char 24)`
    * `Exception: index->name JSON mapping should be in "class": "label" format.`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Write one object from class numbers to names:

    ```json
    {"0": "cat", "1": "dog"}
    ```

    ## References
    * github:pytorch/serve, `ts/utils/util.py`, `load_label_mapping`
    """
    yield from told(archive, context, "label-mapping")
