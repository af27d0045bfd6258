"""MDR329: the machine that installs chooses the build."""

from collections.abc import Iterator

from modeldoctor.facts.skew import Environment, Skew
from modeldoctor.findings import Confidence, Hit, Severity, Unjudged
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import over, where


@rule(
    Skew,
    code="MDR329",
    slug="backend-chosen-at-install",
    severity=Severity.INFO,
    since="0.1",
    summary="the build of torch is chosen by the machine that installs, not by the one that serves",
)
def backend_chosen_at_install(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """With `torch-backend = "auto"`, uv looks at the driver of the machine that installs, which need not be yours.

    ## What it finds
    `torch-backend = "auto"` in `[tool.uv]` or `[tool.uv.pip]`, `--torch-backend=auto` on a command line, or
    `UV_TORCH_BACKEND=auto` in a Dockerfile. Which build results is unknown to us, and in a container build or CI job it
    is probably the CPU build, since no GPU is visible there. A warning when a GPU is asked for with `--gpu`.

    ## Why it matters
    The same file gives a CUDA build on the laptop and a CPU build in the image. `auto` looks at the driver only, not at
    the GPU: cards that the newest build has no code for get it all the same.

    ## Seen as
    * `AssertionError: Torch not compiled with CUDA enabled` in the container, while it works outside
    * `RuntimeError: CUDA error: no kernel image is available for execution on the device`

    ## Fix
    Name the build:

    ```dockerfile
    RUN uv pip install --system torch==2.9.1 --torch-backend=cu128
    ```

    or an index in `[tool.uv.sources]`, which `uv lock` records.

    ## References
    * uv documentation, PyTorch guide; astral-sh/uv issues 14742 and 17236
    """
    del context
    return over(skew, _check)


def _check(environment: Environment) -> Iterator[Hit]:
    torch = environment.torch
    if torch is None or torch.variant or torch.step is None or torch.given:
        return
    backend, _, line = torch.step.option("torch-backend").partition("@")
    if backend != "auto":
        return
    asked = bool(environment.gpus)
    where_ = where(environment, torch)
    if line:
        where_ = where_._replace(path=torch.step.path, line=int(line))
    yield Hit(
        "`torch-backend = auto` goes by the machine that installs: in an image build that is likely the CPU build",
        where=where_,
        fix='name the build, such as `torch-backend = "cu128"`',
        notes=(("asked for", ", ".join(environment.gpus or ())),) if asked else (),
        severity=Severity.WARNING if asked else None,
        confidence=Confidence.MEDIUM,
        key="torch-backend",
    )
