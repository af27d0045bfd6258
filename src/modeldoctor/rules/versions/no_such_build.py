"""MDR315: an index that has no such build of torch."""

from collections.abc import Iterator

from modeldoctor.facts.skew import Clash, Environment, Skew
from modeldoctor.findings import Confidence, Hit, Related, Severity, Unjudged, Where
from modeldoctor.predict import compat
from modeldoctor.predict.compat import Platform
from modeldoctor.predict.compat_fix import usable
from modeldoctor.predict.compat_index import nearest_builds, variant_of_url
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import over, place, remedy


@rule(
    Skew,
    code="MDR315",
    slug="no-such-build",
    severity=Severity.ERROR,
    since="0.1",
    summary="the index that is asked for torch has no such release and build",
)
def no_such_build(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """The index of one CUDA variant holds only the releases that were built for it.

    ## What it finds
    * A release that was never built for the variant: `torch==2.6.0` from `/whl/cu130`, `torch==2.8.0+cu118`. An error;
      the builds that exist are named.
    * `torch==2.6.0+cu124` without an index line: the default registry has no local versions. An error, of medium
      confidence in a requirement file that is installed by hand (the index may stand on somebody's command line).
    * `--extra-index-url /whl/cu118` with a release that this index lacks: pip says nothing and takes the default build
      instead, with another CUDA. A warning.

    Index paths are recognised by `/whl/<variant>`, whatever the host, so mirrors work; other private indexes are never
    asked and never judged.

    ## Why it matters
    The first two stop the build. The third one is worse: everything installs, and a wheel for another CUDA (with
    another driver floor and other GPUs) goes into production under a line that says otherwise.

    ## Seen as
    * `ERROR: Could not find a version that satisfies the requirement torch==2.6.0+cu130 (from versions: …)`
    * `ERROR: No matching distribution found for torch==1.9.1+cu111`

    ## Fix
    Name a variant that the release has, with its index and the local version, so that nothing else can be picked:

    ```text
    --extra-index-url https://download.pytorch.org/whl/cu126
    torch==2.6.0+cu126
    ```

    ## References
    * RELEASE.md of pytorch/pytorch, release compatibility matrix; previous-versions.md of pytorch.github.io
    * pytorch/pytorch issues 66399 and 67669
    """
    del context
    return over(skew, _check)


def _check(environment: Environment) -> Iterator[Hit]:
    for clash in environment.clashes:
        if clash.kind in {"no such build", "no index", "index without effect"}:
            yield _hit(environment, clash)


def _hit(environment: Environment, clash: Clash) -> Hit:
    pin = next((pin for pin in clash.pins if pin.version), clash.pins[0])
    name = f"{clash.package} {clash.version}"
    severity: Severity | None = None
    confidence = None
    if clash.kind == "no index":
        message = f"`{pin.text}` names a build, and no index is given that has one: the default registry does not"
        sure = environment.installation.kind == "dockerfile"
        confidence = None if sure else Confidence.MEDIUM
    elif clash.kind == "index without effect":
        message = f"the {clash.variant} index has no {name}, so pip takes the default build {clash.instead}".rstrip()
        severity = Severity.WARNING
    elif clash.source is not None and variant_of_url(clash.source.url) != "*":
        message = f"there is no {name} in the {variant_of_url(clash.source.url) or clash.variant} index"
        message += f", as `{pin.text}` asks for" if pin.variant else ""
    else:
        message = f"there is no {clash.variant} build of {name}"
    related: tuple[Related, ...] = ()
    if clash.source is not None:
        related = (Related(Where(clash.source.path, line=clash.source.line), f"the index: {clash.source.url}"),)
    return Hit(
        message,
        where=place(pin),
        fix=_fix(environment, clash),
        notes=(
            *_nearest(clash),
            ("seen as", f"ERROR: No matching distribution found for {pin.text.split(';')[0].strip()}"),
        ),
        related=related,
        severity=severity,
        confidence=confidence,
        key=clash.package,
    )


def _nearest(clash: Clash) -> tuple[tuple[str, str], ...]:
    builds, releases = nearest_builds(clash.package, clash.version, clash.variant)
    found = []
    if builds:
        found.append((f"builds of {clash.version}", ", ".join(["cpu", *builds])))
    if clash.kind != "no index" and releases and clash.package == "torch":
        found.append((f"with {clash.variant}", ", ".join(f"torch {text}" for text in releases)))
    return tuple(found)


def _fix(environment: Environment, clash: Clash) -> str:
    if clash.kind == "no index":
        from modeldoctor.predict.compat_text import index_url

        return f"add a line `--extra-index-url {index_url(environment, clash.variant)}`"
    if clash.kind == "index without effect" and clash.package == "torch":
        platform = Platform(environment.system, environment.machine)
        held = [
            found.version
            for found in compat.releases()
            if compat.has_variant(found.version, clash.variant) and usable(environment, found, platform)
        ]
        if held:
            return f"write `torch=={held[-1]}+{clash.variant}`, the newest that this index has"
    if clash.package == "torch" and compat.release(clash.version):
        return remedy(environment)
    return f"use the same index for {clash.package} as for torch"
