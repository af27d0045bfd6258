"""MDR322: torch is not pinned, and what that means today."""

from collections.abc import Iterator

from modeldoctor.facts.skew import Environment, Package, Skew
from modeldoctor.findings import Hit, Severity, Unjudged
from modeldoctor.predict import compat
from modeldoctor.predict.compat_gpu import code_of, driver_for
from modeldoctor.predict.versions import allows
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import over, where
from modeldoctor.tables import table


@rule(
    Skew,
    code="MDR322",
    slug="unpinned-torch",
    severity=Severity.INFO,
    since="0.1",
    summary="torch has no upper bound, so each build of the image may bring another CUDA and other GPUs",
)
def unpinned_torch(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """Without a pin, torch is whatever is newest on the day of the build, and the newest changes what hardware works.

    ## What it finds
    An environment that serves and installs torch with no version, or only a lower bound, from anything but a lock. The
    finding says what that is today, in consequences: which CUDA, which driver it needs, from which GPU generation on it
    has code, which companions are left open as well. With `--driver` and `--gpu` those consequences are judged by
    `driver-too-old` and `gpu-unsupported`; this one stays an info. What a pinned torchvision or vLLM decides counts as
    pinned; bounds such as `>=2.1,<2.2` too.

    ## Why it matters
    The default wheel changed its CUDA major with torch 2.11 (12.8 to 13.0, so the driver floor moved from 525 to 580),
    dropped Maxwell and Pascal with 2.8 and Volta with 2.11, and `torch.load` changed its default with 2.6. A rebuild
    that nobody thought about crosses such lines.

    ## Seen as
    A deploy of unchanged code that fails with `The NVIDIA driver on your system is too old`, `no kernel image is
    available for execution on the device`, or `Weights only load failed`.

    ## Fix
    Write down what works today, and upgrade when you mean to. Best with a lock (`uv lock`, `pip-compile`, `poetry
    lock`), else:

    ```text
    torch==2.9.1
    torchvision==0.24.1
    ```

    ## References
    * `default_cuda` and `default_wheel_sm` of torch 1.0.0 to 2.15.0, read from the published wheels
    * NVIDIA CUDA compatibility guide, minor-version compatibility, table 1
    """
    del context
    return over(skew._replace(environments=skew.environments[:1]), _check)


def _check(environment: Environment) -> Iterator[Hit]:
    torch = environment.torch
    if torch is None or torch.certain or not torch.version or not torch.pins or environment.installation.rank[1]:
        return
    if torch.pins[0].name != "torch":
        return  # it comes with another package, which is what there is to pin
    if not allows(torch.specifier, compat.newest().version) or any(pin.role == "locked" for pin in torch.pins):
        return
    build = f"{torch.version}+{torch.variant}" if torch.variant else torch.version
    yield Hit(
        f"`{torch.pins[0].text}` is not pinned: today it is torch {build}",
        where=where(environment, torch),
        fix=f"pin what you tested, such as `torch=={torch.version}`, or use a lock file",
        notes=(*_consequences(environment, torch), ("as of", table("compat")["as_of"])),
        key="torch",
    )


def _consequences(environment: Environment, torch: Package) -> Iterator[tuple[str, str]]:
    cuda = compat.cuda_of(torch.variant)
    wanted = driver_for(cuda, environment.system) if cuda else None
    if wanted:
        yield ("needs", f"driver {wanted.floor} or newer (CUDA {cuda})")
    code = code_of(torch.version, torch.variant, environment.machine)
    if code:
        yield ("has code for", str(code))
    left_open = [
        name
        for name in ("torchvision", "torchaudio", "numpy")
        if (package := environment.packages.get(name)) and not package.certain
    ]
    if left_open:
        yield ("left open too", ", ".join(left_open))
