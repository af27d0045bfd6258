"""MDR655: the text handler needs a vocabulary that is not packed."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR655",
    slug="source-vocab",
    severity=Severity.ERROR,
    since="0.1",
    summary="the text handler needs a vocabulary that is not packed",
)
def source_vocab(archive: Archive, context: Context) -> Iterator[Hit]:
    """`text_classifier` and its base class load `source_vocab.pt` from the model folder.

    ## What it finds
    Archives whose handler comes from the text handlers of the server, without `source_vocab.pt` and without
    `sourceVocab` in the manifest.

    ## Why it matters
    No worker starts, and the archiver said nothing when the archive was built: it never looks inside a file.

    ## Seen as
    * `Exception: Missing the source_vocab file. Refer default handler documentation for details on using
      text_handler.`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Pack the vocabulary that the model was trained with: `--extra-files source_vocab.pt`.

    ## References
    * github:pytorch/serve, `ts/torch_handler/text_handler.py`, `initialize` and `get_source_vocab_path`
    """
    yield from told(archive, context, "source-vocab")
