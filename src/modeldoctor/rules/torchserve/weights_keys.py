"""MDR637: `load_state_dict` refuses what the file holds."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR637",
    slug="weights-keys",
    severity=Severity.ERROR,
    since="0.1",
    summary="`load_state_dict` refuses what the file holds",
)
def weights_keys(archive: Archive, context: Context) -> Iterator[Hit]:
    """The keys of the file are not those that the class of the model asks for.

    ## What it finds
    Whole models and training checkpoints given to `load_state_dict`, keys with a wrapper's prefix (`module.`,
    `_orig_mod.`), and, where the `__init__` of the class is plain enough to be read, missing and unexpected keys
    and other shapes. Only strict loading is judged.

    ## Why it matters
    No worker starts, and the archiver said nothing when the archive was built: it never looks inside a file.

    ## Seen as
    * `RuntimeError: Error(s) in loading state_dict for Net: Missing key(s) in state_dict: "fc.weight"`
    * `TypeError: Expected state_dict to be dict-like, got <class 'model.Net'>.`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Save the plain state_dict of the class that is packed:

    ```python
    torch.save(model.state_dict(), "model.pth")            # of a wrapper: model.module.state_dict()
    ```

    ## References
    * `torch/nn/modules/module.py`, `load_state_dict`; github:pytorch/serve, `ts/torch_handler/base_handler.py`
    """
    yield from told(archive, context, "weights-keys")
