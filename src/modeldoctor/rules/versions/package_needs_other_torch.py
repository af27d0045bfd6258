"""MDR319: a package that asks for another torch."""

from collections.abc import Iterator

from modeldoctor.facts.skew import Environment, Package, Skew
from modeldoctor.findings import Confidence, Hit, Severity, Unjudged
from modeldoctor.predict import compat
from modeldoctor.predict.versions import allows, public
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import beside, over, release_of, remedy, shown, where
from modeldoctor.tables import table


@rule(
    Skew,
    code="MDR319",
    slug="package-needs-other-torch",
    severity=Severity.ERROR,
    since="0.1",
    summary="xformers, vllm, transformers, bitsandbytes or the like asks for another torch",
)
def package_needs_other_torch(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """Packages around torch pin one release or set a floor; with any other torch they do not install or do not work.

    ## What it finds
    Pinned versions of xformers and vLLM (which pin torch exactly), of torchao 0.3.0, and of transformers, accelerate,
    bitsandbytes, Lightning and PEFT (which set a floor) against the torch that gets installed. vLLM also pins
    torchvision, torchaudio, xformers and a range of transformers; those are compared too. transformers keeps its floor
    in an extra that pip does not read, so below it the finding is a warning.

    ## Why it matters
    Where METADATA states it, pip refuses both in one install, and in two it replaces the torch that was chosen with
    care. xformers compiled for another torch loads without its kernels and falls back to slow paths; transformers below
    its floor hides all PyTorch classes, so that `AutoModel` seems not to exist.

    ## Seen as
    * `ERROR: Cannot install torch==2.6.0 and xformers==0.0.30 because these package versions have conflicting
      dependencies.`
    * `xFormers can't load C++/CUDA extensions. xFormers was built for: PyTorch 2.7.0+cu126 with CUDA 1206 (you have
      2.6.0+cu124)`
    * `Disabling PyTorch because PyTorch >= 2.1 is required but found 1.13.1`, then `AutoModel requires the PyTorch
      library but it was not found in your environment.`

    ## Fix
    Take the release of the package that was made for your torch, or the torch that it asks for, together with its
    torchvision:

    ```text
    torch==2.6.0
    xformers==0.0.29.post3
    ```

    ## References
    * METADATA of the named releases, read from the registry
    """
    del context
    return over(skew, _check)


def _check(environment: Environment) -> Iterator[Hit | Unjudged]:
    torch = environment.torch
    if torch is None or not torch.version:
        return
    ecosystem = table("ecosystem")
    watched = {**dict.fromkeys(ecosystem["exact"], "exact"), **dict.fromkeys(ecosystem["floor"], "floor")}
    present = [(name, package) for name in watched if (package := environment.packages.get(name)) and package.version]
    unknown = list(release_of(environment, torch)) if present else []
    if unknown:
        yield from unknown
        return
    for name, package in present:
        asked = compat.asks(name, package.version)
        if name == "transformers" and asked:  # of its extra, only the floor is checked when it is imported
            asked = ",".join(part for part in asked.split(",") if part.startswith(">"))
        if asked is None and watched[name] == "exact":
            yield Unjudged(f"{name} {package.version} is not in the tables")
        elif asked and not allows(asked, public(torch.version)):
            yield _torch(environment, torch, package, asked, exact=watched[name] == "exact")
        yield from _also(environment, package)


def _torch(environment: Environment, torch: Package, package: Package, asked: str, *, exact: bool) -> Hit:
    fitting = compat.fitting(package.name, public(torch.version))
    extra = package.name == "transformers"
    error = (
        f"Disabling PyTorch because PyTorch {asked.replace('>=', '>= ')} is required but found {public(torch.version)}"
        if extra
        else f"ERROR: Cannot install torch=={public(torch.version)} and {package.name}=={package.version}"
    )
    notes = [("goes with it", f"{package.name} {fitting[-1]}")] if fitting and exact else []
    if package.name in {"xformers", "vllm"}:
        fix = remedy(environment)
    else:
        fix = f"take a torch that `{asked}` allows, or an older {package.name}"
    return Hit(
        f"{shown(package)} asks for torch{asked}, and {shown(torch, build=False)} gets installed",
        where=where(environment, package),
        fix=fix,
        notes=(*notes, ("seen as", error)),
        related=beside(torch),
        severity=Severity.WARNING if extra else None,
        confidence=Confidence.MEDIUM if extra else None,
        key=package.name,
    )


def _also(environment: Environment, package: Package) -> Iterator[Hit]:
    """What a package asks of packages other than torch."""
    rows = table("ecosystem")["also"].get(package.name, {}).get(public(package.version), {})
    for name, asked in rows.items():
        other = environment.packages.get(name)
        if other is None or not other.version or not other.certain or allows(asked, public(other.version)):
            continue
        yield Hit(
            f"{shown(package)} asks for {name}{asked}, and {name} {public(other.version)} is pinned",
            where=where(environment, other),
            fix=f"write `{name}{asked}`",
            notes=(
                ("seen as", f"ERROR: Cannot install {package.name}=={package.version} and {name}=={other.version}"),
            ),
            related=beside(package),
            key=f"{package.name} {name}",
        )
