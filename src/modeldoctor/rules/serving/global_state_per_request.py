"""MDR537: a request that changes a setting of the process."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, chain


@rule(
    Source,
    code="MDR537",
    slug="global-state-per-request",
    severity=Severity.WARNING,
    since="0.1",
    summary="a request changes a setting that holds for the whole process",
)
def global_state_per_request(source: Source, _: Context) -> Iterator[Hit]:
    """A handler sets something that all other requests of the process see too.

    ## What it finds
    Seeds (`torch.manual_seed`, `random.seed`, `numpy.random.seed`), default types and devices, numbers of threads,
    `torch.set_grad_enabled`, deterministic algorithms and `os.chdir`, in code that runs for each request.

    ## Why it matters
    Requests run side by side. A seed that one sets is used up by the others, so it makes nothing repeatable, and all
    requests that set the same one get correlated "random" numbers. A default dtype of half changes the tensors that
    another request is just making. `torch.set_num_interop_threads` even raises once work has begun. `os.chdir` moves
    every relative path of the process.

    ## Seen as
    * results that differ under load only
    * `RuntimeError: Error: cannot set number of interop threads after parallel work has started`
    * `RuntimeError: expected scalar type Half but found Float`

    ## Fix
    Set them once at start, and pass what belongs to one request:

    ```python
    generator = torch.Generator(device).manual_seed(seed)
    noise = torch.randn(shape, generator=generator)
    ```

    ## References
    * https://pytorch.org/docs/stable/notes/randomness.html
    * https://pytorch.org/docs/stable/generated/torch.Generator.html
    """
    for seen in source.seen("global_state"):
        yield Hit(
            f"`{seen.text}` in a request changes the setting for every other request of the process",
            where=at(source, seen.where),
            fix="set it once at start; for random numbers of one request use a `torch.Generator` of its own",
            related=chain(source, seen.entry, ()),
            key=f"{seen.function} {seen.text}",
        )
