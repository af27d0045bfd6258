"""MDR653: the handler asks for CUDA whatever the host has."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR653",
    slug="handler-device",
    severity=Severity.INFO,
    since="0.1",
    summary="the handler asks for CUDA whatever the host has",
)
def handler_device(archive: Archive, context: Context) -> Iterator[Hit]:
    """The server tells each worker its device; this handler does not listen.

    ## What it finds
    `.cuda()` and `.to("cuda…")` that no condition guards: an error when the target has no GPU (`--gpu none`,
    `--cuda cpu`), else a note.

    ## Why it matters
    On a host without a GPU no worker starts. On one with several GPUs all workers crowd on the first.

    ## Seen as
    * `AssertionError: Torch not compiled with CUDA enabled`
    * `RuntimeError: Found no NVIDIA driver on your system.`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Take the device that the server gives:

    ```python
    gpu = context.system_properties.get("gpu_id")
    device = torch.device(f"cuda:{gpu}" if torch.cuda.is_available() and gpu is not None else "cpu")
    ```

    ## References
    * github:pytorch/serve, `ts/torch_handler/base_handler.py`, `initialize`; `J/wlm/WorkLoadManager.java`,
      `addThreads`
    """
    yield from told(archive, context, "handler-device")
