"""MDR513: a GPU that is taken for granted."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, related


@rule(
    Source,
    code="MDR513",
    slug="forced-cuda",
    severity=Severity.WARNING,
    since="0.1",
    summary="the service takes a GPU for granted",
)
def forced_cuda(source: Source, context: Context) -> Iterator[Hit]:
    """The code moves the model or its input to CUDA without asking whether it is there.

    ## What it finds
    `.cuda()`, `.to("cuda")`, `torch.device("cuda")`, `device="cuda"` and `map_location="cuda"` in code that a service
    runs, in a file that never calls `torch.cuda.is_available()`. Values of settings, arguments and variables are not
    reported: somebody decided on them.

    ## Why it matters
    The same code then runs in tests, on a laptop, in a CI job and in a container that was started without `--gpus`.
    There it fails at the first use of the device, which for a load at import means that the module cannot be imported
    at all, and for Django that every URL answers 500.

    ## Seen as
    * `RuntimeError: Found no NVIDIA driver on your system.`
    * `AssertionError: Torch not compiled with CUDA enabled`
    * `RuntimeError: No CUDA GPUs are available`, in a container without `--gpus all`

    ## Fix
    Decide once, and let a setting override it:

    ```python
    device = torch.device(os.environ.get("DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu"))
    model.to(device)
    ```

    ## References
    * https://pytorch.org/docs/stable/notes/cuda.html#device-agnostic-code
    * `torch/cuda/__init__.py`, `_lazy_init`
    """
    shown: set[str] = set()
    for seen in source.seen("forced_cuda"):
        if seen.where.path in shown:
            continue
        shown.add(seen.where.path)
        others = [each for each in source.seen("forced_cuda") if each.where.path == seen.where.path and each != seen]
        impossible = bool(context.target.cpu_only)
        yield Hit(
            f"`{seen.text}` needs CUDA, and nothing asks whether it is there"
            + (": the target has no GPU" if impossible else ""),
            where=at(source, seen.where),
            severity=Severity.ERROR if impossible else None,
            fix='choose the device once: `torch.device("cuda" if torch.cuda.is_available() else "cpu")`',
            related=tuple(related(source, each.where, f"`{each.text}`") for each in others[:10]),
            key=seen.function,
        )
