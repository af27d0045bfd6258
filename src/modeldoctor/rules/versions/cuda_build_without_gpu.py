"""MDR317: a CUDA build on a host without a GPU."""

from collections.abc import Iterator

from modeldoctor.facts.skew import Environment, Skew
from modeldoctor.findings import Hit, Severity, Unjudged
from modeldoctor.predict.compat_fix import Change
from modeldoctor.predict.compat_text import advice
from modeldoctor.predict.versions import public
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import over_hardware, shown, where


@rule(
    Skew,
    code="MDR317",
    slug="cuda-build-without-gpu",
    severity=Severity.INFO,
    since="0.1",
    summary="a CUDA build of torch on a host that has no GPU",
)
def cuda_build_without_gpu(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """A CUDA build runs on the CPU as well as the CPU build does, and brings gigabytes of libraries for nothing.

    ## What it finds
    A torch build with CUDA when the target is said to have no GPU (`--gpu none`). Without that statement nothing is
    reported: a CUDA wheel on a plain `python:3.12-slim` image is a normal GPU image, since the wheel brings its own
    CUDA.

    ## Why it matters
    Only size and time: the wheel and its `nvidia-*` packages are several gigabytes on disk, the CPU wheel about 200 MB
    to download. That is what a pod pulls before it can start, and what a rollout waits for. Nothing breaks, so this is
    an info.

    ## Seen as
    An image of five or more gigabytes, slow first starts of pods, `No space left on device` on small build machines.
    There is no error message.

    ## Fix
    ```text
    --extra-index-url https://download.pytorch.org/whl/cpu
    torch==2.9.1+cpu
    ```

    or, in a Dockerfile, `pip install torch==2.9.1 --index-url https://download.pytorch.org/whl/cpu`. The files of a
    model load alike in both builds, given `map_location="cpu"`.

    ## References
    * METADATA of torch 2.0.0 and later lists the `nvidia-*` packages that come along
    """
    del context
    return over_hardware(skew, _check)


def _check(environment: Environment) -> Iterator[Hit]:
    torch = environment.torch
    if torch is None or environment.gpus != () or not torch.variant.startswith("cu") or not torch.version:
        return
    if torch.step is None:
        return  # the base image decides; 7xx rules judge it
    yield Hit(
        f"{shown(torch)} brings CUDA, and the target has no GPU",
        where=where(environment, torch),
        fix=advice(environment, Change(public(torch.version), "cpu")),
        key="torch",
    )
