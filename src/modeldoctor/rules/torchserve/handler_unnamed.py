"""MDR614: the manifest names no handler."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR614",
    slug="handler-unnamed",
    severity=Severity.ERROR,
    since="0.1",
    summary="the manifest names no handler",
)
def handler_unnamed(archive: Archive, context: Context) -> Iterator[Hit]:
    """Without a handler the server sends the worker the path of the model folder in its place.

    ## What it finds
    Manifests without `model.handler`, when config.properties sets no `default_service_handler` either.

    ## Why it matters
    The archive registers with 200. The worker then tries to import the path of the model folder as a module, and
    the error speaks of a module with a random name that nobody ever wrote.

    ## Seen as
    * `ModuleNotFoundError: No module named '0d0f8c…' then No module named 'ts.torch_handler./tmp/models/0d0f8c…'`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Pack with `--handler handler.py`, or name a handler of the server such as `image_classifier`.

    ## References
    * github:pytorch/serve, `J/util/codec/ModelRequestEncoder.java` (its comment says that this might be a bug);
      `J/wlm/ModelManager.java`
    """
    yield from told(archive, context, "handler-unnamed")
