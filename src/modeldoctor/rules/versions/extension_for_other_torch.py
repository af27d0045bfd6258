"""MDR320: a prebuilt extension for another torch, CUDA, ABI or Python."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from modeldoctor.facts.pins import Index, Pin
from modeldoctor.facts.skew import Environment, Package, Skew
from modeldoctor.findings import Hit, Severity, Unjudged, Where
from modeldoctor.predict import compat
from modeldoctor.predict.compat_host import python_minor
from modeldoctor.predict.versions import minor
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import beside, over, place, shown

# flash_attn-2.7.4+cu12torch2.6cxx11abiFALSE-cp312-cp312-linux_x86_64.whl, and those that follow its scheme.
_LOCAL = re.compile(
    r"cu(?P<cu>\d{2,3})torch(?P<torch>\d\.\d+)(?:\.\d+)?(?:cxx11abi(?P<abi>TRUE|FALSE))?", re.IGNORECASE
)
_PYTHON_TAG = re.compile(r"-cp(3)(\d{1,2})-")
# PyG: whl/torch-2.1.0+cu121.html; detectron2: wheels/cu113/torch1.10; OpenMMLab: dist/cu117/torch2.0.0.
_PAGE = re.compile(
    r"/torch-(?P<torch>\d+\.\d+(?:\.\d+)?)(?:\+|%2B)(?P<cu>cu\d+|cpu)\.html|/(?P<cu2>cu\d+|cpu)/torch(?P<torch2>\d+\.\d+)"
)


class Built(NamedTuple):
    """What an extension was built for; `""` where its name does not say."""

    torch: str
    cuda: str = ""
    abi: str = ""
    python: str = ""


@rule(
    Skew,
    code="MDR320",
    slug="extension-for-other-torch",
    severity=Severity.ERROR,
    since="0.1",
    summary="a prebuilt extension was compiled for another torch, CUDA, C++ ABI or Python",
)
def extension_for_other_torch(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """Compiled extensions fit one torch minor, one CUDA major and one C++ ABI; prebuilt wheels say which in their name.

    ## What it finds
    * Wheels of flash-attn, causal-conv1d, mamba-ssm and others that follow the scheme
      `+cu12torch2.6cxx11abiFALSE-cp312`, named by URL or file, against torch, its CUDA major, its C++ ABI and Python.
      Wheels of torch use the old ABI up to 2.6.0 (its `cu126` build already has the new one) and the new one from 2.7.0.
    * Wheel pages of PyG (`torch-2.1.0+cu121.html`), detectron2 (`cu113/torch1.10`) and OpenMMLab (`cu117/torch2.0.0`)
      that belong to another torch or another build.

    ## Why it matters
    pip installs such a wheel without a word, since none of this is in its METADATA. The import fails with a symbol name
    that nobody can read, or, with a wheel page that does not match, pip silently compiles from source for an hour, or
    stops because the image has no compiler.

    ## Seen as
    * `ImportError: flash_attn_2_cuda.cpython-312-x86_64-linux-gnu.so: undefined symbol: _ZN3c105ErrorC2ENS_14SourceLocationENSt7__cxx1112basic_string…`
    * `OSError: .../torch_scatter/_version_cuda.so: undefined symbol: _ZN5torch3jit17parseSchemaOrNameERKSs`
    * `ERROR: flash_attn-…-cp310-cp310-linux_x86_64.whl is not a supported wheel on this platform.`

    ## Fix
    Take the wheel whose name agrees with the torch that gets installed in every part:

    ```text
    torch==2.6.0
    flash-attn @ https://…/flash_attn-2.7.4.post1+cu12torch2.6cxx11abiFALSE-cp312-cp312-linux_x86_64.whl
    ```

    ## References
    * Dao-AILab/flash-attention issues 975, 1644, 1783 and 2219; pytorch/pytorch issue 152790
    * `__cxx1112basic_string` symbols in `libtorch_python.so` of torch 2.6.0 (none) and 2.7.1 (6,347)
    """  # noqa: E501 - the error texts are what users search for
    del context
    return over(skew, _check)


def _check(environment: Environment) -> Iterator[Hit | Unjudged]:
    torch = environment.torch
    if torch is None or not torch.version:
        return
    for package in environment.packages.values():
        for pin in package.pins:
            built = _built(pin)
            if built and (wrong := _wrong(environment, torch, built)):
                yield _hit(environment, torch, package.name, pin, wrong)
    for step in environment.installation.steps:
        for index in step.indexes:
            page = _page(index)
            if page and (wrong := _wrong(environment, torch, page)):
                yield _page_hit(torch, index, wrong)


def _built(pin: Pin) -> Built | None:
    found = _LOCAL.search(pin.url or pin.version)
    if found is None:
        return None
    python = _PYTHON_TAG.search(pin.url)
    return Built(
        found["torch"], found["cu"], (found["abi"] or "").upper(), f"{python[1]}.{python[2]}" if python else ""
    )


def _page(index: Index) -> Built | None:
    found = _PAGE.search(index.url)
    if found is None:
        return None
    cuda = found["cu"] or found["cu2"]
    return Built(found["torch"] or found["torch2"], cuda if cuda == "cpu" else cuda[2:])


def _wrong(environment: Environment, torch: Package, built: Built) -> str:
    """What does not agree, in words; `""` when all that is known does."""
    wrong = []
    if minor(built.torch) != minor(torch.version):
        wrong.append(f"torch {built.torch}")
    have = "cpu" if torch.variant == "cpu" else compat.cuda_of(torch.variant)
    major = built.cuda if built.cuda == "cpu" else built.cuda[:2]
    if have and built.cuda and major != have.split(".", maxsplit=1)[0]:
        wrong.append("the CPU" if major == "cpu" else f"CUDA {major}")
    abi = _abi(torch)
    if built.abi and abi is not None and (built.abi == "TRUE") != abi:
        wrong.append("the C++11 ABI" if built.abi == "TRUE" else "the old C++ ABI")
    python = python_minor(environment.python.version)
    if built.python and python and built.python != python:
        wrong.append(f"Python {built.python}")
    return " and ".join(wrong)


def _abi(torch: Package) -> bool | None:
    """Whether a build uses the C++11 ABI: from 2.7.0 on, and the cu126 one of 2.6.0 (pytorch/pytorch issue 152790)."""
    found = compat.release(torch.version)
    if found is None or not torch.variant.startswith("cu"):
        return None
    return True if found.version == "2.6.0" and torch.variant == "cu126" else found.cxx11_abi


def _hit(environment: Environment, torch: Package, name: str, pin: Pin, wrong: str) -> Hit:
    python = f" and Python {environment.python.version}" if environment.python.version else ""
    return Hit(
        f"this wheel of {name} was built for {wrong}, and {shown(torch)}{python} gets installed",
        where=place(pin),
        fix=f"take the wheel of {name} for torch{minor(torch.version)} and the same CUDA, ABI and Python",
        notes=(("seen as", f"ImportError: … undefined symbol: _ZN3c10… (import {name.replace('-', '_')})"),),
        related=beside(torch),
        key=name,
    )


def _page_hit(torch: Package, index: Index, wrong: str) -> Hit:
    return Hit(
        f"this page has extensions built for {wrong}, and {shown(torch)} gets installed",
        where=Where(index.path, line=index.line),
        fix=f"take the page for torch {torch.version}" + (f" and {torch.variant}" if torch.variant else ""),
        notes=(("seen as", "OSError: … undefined symbol: _ZN5torch3jit17parseSchemaOrNameERKSs"),),
        related=beside(torch),
        key=index.url,
    )
