"""MDR410: `/dev/shm` is too small for what processes share through it."""

from collections.abc import Iterator

from modeldoctor.facts.memory import Memory
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.wording import memory

# What NCCL and DataLoader workers are usually given; Docker's default is 64 MiB.
_ENOUGH = 1 << 30


@rule(
    Memory,
    code="MDR410",
    slug="shared-memory",
    severity=Severity.WARNING,
    since="0.1",
    summary="processes share tensors through a /dev/shm that is too small",
)
def shared_memory(found: Memory, context: Context) -> Iterator[Hit]:
    """Tensors go between processes through `/dev/shm`, and the container has little of it.

    ## What it finds
    A container whose `/dev/shm` is known (64 MiB when nothing sets it) and below 1 GiB, in which something uses it:
    `DataLoader` workers, tensors in `torch.multiprocessing` queues, a model in shared memory, or one model
    split over several GPUs, whose processes talk through NCCL.

    ## Why it matters
    A tensor of a batch of pictures has 20 MB, and a queue holds several. What does not fit ends the process with a bus
    error, which no Python code can catch.

    ## Seen as
    * `RuntimeError: DataLoader worker (pid 42) is killed by signal: Bus error. It is possible that dataloader's workers
      are out of shared memory. Please try to raise your shared memory limit.`
    * `NCCL WARN Error while creating shared memory segment /dev/shm/nccl-… (size 9637888)`

    ## Fix
    `docker run --shm-size=2g`, `shm_size: 2gb` in a compose file, or in a pod:

    ```yaml
    volumes:
      - {name: shm, emptyDir: {medium: Memory, sizeLimit: 2Gi}}
    ```

    What lies there counts against the container's memory limit.

    ## References
    * https://docs.docker.com/engine/containers/run/, `--shm-size`
    * https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/troubleshooting.html, shared memory
    """
    del context
    serving = found.serving
    split = serving.placement == "split" and len(serving.gpus or ()) > 1
    uses = serving.shm_use or ("NCCL between the GPUs of one model" if split else "")
    if not uses or serving.shm_bytes is None or serving.shm_bytes >= _ENOUGH:
        return
    yield Hit(
        f"`/dev/shm` has {memory(serving.shm_bytes)}, and {uses} needs it",
        where=serving.shm_where,
        fix="give the container 1 GiB or more: `--shm-size=2g`, `shm_size: 2gb`, or an emptyDir of medium Memory",
    )
