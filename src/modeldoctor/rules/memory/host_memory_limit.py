"""MDR404: loading takes more host memory than the container may use."""

from collections.abc import Iterator

from modeldoctor.facts.memory import Memory
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.memory._needs import terms
from modeldoctor.wording import memory


@rule(
    Memory,
    code="MDR404",
    slug="host-memory-limit",
    severity=Severity.ERROR,
    since="0.1",
    summary="the workers need more host memory while they load than the container may use",
)
def host_memory_limit(found: Memory, context: Context) -> Iterator[Hit]:
    """The peak of host memory during the load is above the limit of the container or pod.

    ## What it finds
    The private memory of all worker processes while they load (Python with torch, the module, the file beside it, what
    CUDA keeps on the host) against `limits.memory`, `mem_limit` or `--memory`. An error when what is certain is too
    much, a warning when the likely sum is. Pages of mapped files are left out: the kernel takes them back.

    ## Why it matters
    `model.load_state_dict(torch.load(path))` holds the weights twice for a moment, a checkpoint with Adam's state four
    times, and each worker does so at the same time. A limit that was set from the size of the file ends the container
    before it has answered anything. The kernel's killer leaves no traceback.

    ## Seen as
    * `OOMKilled`, exit code 137
    * `[ERROR] Worker (pid:7) was sent SIGKILL! Perhaps out of memory?`

    ## Fix
    Map the file instead of copying it, and build the module without values, which needs nearly nothing:

    ```python
    with torch.device("meta"):
        model = Net()
    model.load_state_dict(torch.load(path, mmap=True), assign=True)
    ```

    Or raise the limit, or load in fewer workers.

    ## References
    * docs/memory.md: measured peaks of the ways of loading
    * https://pytorch.org/docs/stable/generated/torch.load.html, `mmap`
    """
    del context
    host = found.host
    if host.budget_bytes is None or host.total.known <= host.budget_bytes:
        return
    certain = host.verdict == "does not fit"
    size = host.total.low if certain else host.total.known
    workers = f"{host.processes} workers need" if host.processes > 1 else "loading needs"
    steady = found.steady.total.known
    yield Hit(
        f"{workers} {'at least' if certain else 'likely'} {memory(size)} of host memory, the limit is "
        f"{memory(host.budget_bytes)}",
        where=found.serving.host_limit_where,
        severity=None if certain else Severity.WARNING,
        fix="load with `mmap=True` into a module on the meta device with `assign=True`, or raise the limit to "
        f"{memory(host.total.high or host.total.known)}",
        notes=(("one process", terms(host.each)), ("afterwards", memory(steady))),
        data={"need_bytes": size, "limit_bytes": host.budget_bytes},
    )
