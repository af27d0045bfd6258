"""MDR321: setuptools too new (or too old) for torch."""

from collections.abc import Iterator

from modeldoctor.facts.skew import Environment, Package, Skew
from modeldoctor.findings import Confidence, Hit, Severity, Unjudged
from modeldoctor.predict import compat
from modeldoctor.predict.versions import allows
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import beside, over, shown, where

# Packages that compile or load extensions through torch.utils.cpp_extension.
COMPILES = ("deepspeed", "apex", "flash-attn", "detectron2", "mmcv", "mmcv-full", "pytorch3d", "torch-scatter",
            "torch-sparse", "torch-cluster", "fairseq", "xformers", "nvdiffrast", "tiny-cuda-nn")  # fmt: skip


@rule(
    Skew,
    code="MDR321",
    slug="setuptools-conflict",
    severity=Severity.ERROR,
    since="0.1",
    summary="the pinned setuptools does not go with this torch",
)
def setuptools_conflict(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """Some torch releases need a setuptools that still has `pkg_resources`, or limit it in their METADATA.

    ## What it finds
    * torch 2.11.0 to 2.12.1 with a pinned setuptools of 82 or newer: their METADATA says `setuptools<82`.
    * torch 2.13.0 and later with a pinned setuptools below 77.0.3.
    * torch 1.8 to 2.1 with setuptools 82 or newer, when something in the environment compiles extensions: their
      `torch/utils/cpp_extension.py` imports `pkg_resources`, which left setuptools in 82.0.0. A warning.

    ## Why it matters
    The first two stop pip. The third one shows when an extension is compiled or loaded, which for just-in-time kernels
    is the first request. A statement that circulates, "torch below 2.9 needs an old setuptools", is not what the files
    show: torch 2.2 and later do not import `pkg_resources`.

    ## Seen as
    * `ERROR: Cannot install setuptools==82.0.0 and torch==2.12.0 because these package versions have conflicting
      dependencies.`
    * `ModuleNotFoundError: No module named 'pkg_resources'` in `torch/utils/cpp_extension.py`

    ## Fix
    ```text
    setuptools<82
    ```

    beside torch 1.8 to 2.1 and 2.11 to 2.12; delete the pin for every other release.

    ## References
    * Wheels of setuptools 81.0.0 and 82.0.0; METADATA of torch 2.11.0, 2.12.1 and 2.13.0; pytorch/pytorch pull 187262
    * `torch/utils/cpp_extension.py` of torch 1.8.1, 2.1.2 and 2.2.2
    """
    del context
    return over(skew, _check)


def _check(environment: Environment) -> Iterator[Hit]:
    torch, setuptools = environment.torch, environment.packages.get("setuptools")
    found = compat.release(torch.version) if torch else None
    if torch is None or setuptools is None or found is None or not setuptools.version:
        return
    if found.setuptools and not allows(found.setuptools, setuptools.version):
        yield _hit(environment, torch, setuptools, f"asks for setuptools{found.setuptools}", None)
    elif found.pkg_resources and allows(">=82", setuptools.version):
        compiles = next((name for name in COMPILES if name in environment.packages), None)
        if compiles:
            text = f"imports pkg_resources when {compiles} compiles or loads an extension, and 82 has none"
            yield _hit(environment, torch, setuptools, text, Severity.WARNING)


def _hit(environment: Environment, torch: Package, setuptools: Package, text: str, severity: Severity | None) -> Hit:
    return Hit(
        f"setuptools {setuptools.version} is pinned, and {shown(torch)} {text}",
        where=where(environment, setuptools),
        fix="write `setuptools<82`" if allows(">=82", setuptools.version) else "delete the pin of setuptools",
        notes=(
            ("seen as", "ModuleNotFoundError: No module named 'pkg_resources'" if severity else "ResolutionImpossible"),
        ),
        related=beside(torch),
        severity=severity,
        confidence=Confidence.MEDIUM if severity else None,
        key="setuptools",
    )
