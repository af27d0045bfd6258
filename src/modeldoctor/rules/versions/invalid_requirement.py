"""MDR324: a requirement that pip or uv refuses."""

import re
from collections.abc import Iterator

from modeldoctor.facts.pins import Manifest, Pin
from modeldoctor.facts.skew import Skew
from modeldoctor.findings import Hit, Severity, Unjudged
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import place

_LOCAL = re.compile(r"(?:[<>]=?|~=)\s*[\w.!]+\+")


@rule(
    Skew,
    code="MDR324",
    slug="invalid-requirement",
    severity=Severity.ERROR,
    since="0.1",
    summary="a requirement is not valid, so pip or uv refuses the file",
)
def invalid_requirement(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """One entry that does not follow PEP 508 or PEP 440 stops the whole install.

    ## What it finds
    Requirements with an invalid specifier, version or marker, in requirement files, `pyproject.toml`, `setup.py`,
    Pipfile, Poetry and conda files. The commonest in torch projects is a comparison with a local version:
    `torch>=2.0.0+cu121`. Only `==` and `!=` may carry one. Each finding says what the entry may have meant; the other
    entries are judged as if it was written that way.

    ## Why it matters
    pip 23.2.1 and 24.0 accepted `>=2.0.0+cu121`, pip from 24.1 on and uv refuse it: the file worked until the base
    image brought a newer pip. Other invalid entries never worked.

    ## Seen as
    * `ERROR: Invalid requirement: 'torch>=2.0.0+cu121': Expected end or semicolon (after version specifier)`
    * uv: ``Operator `>=` is incompatible with versions containing non-empty local segments (`+cu121`)``
    * `ERROR: Invalid requirement: 'torch=2.1.0': … Hint: = is not a valid operator. Did you mean == ?`

    ## Fix
    ```text
    --extra-index-url https://download.pytorch.org/whl/cu121
    torch==2.1.0+cu121
    ```

    or, when any newer release will do, `torch>=2.0.0` with the index of that build.

    ## References
    * PEP 440, local version identifiers; PEP 508; pip 24.1 release notes
    """
    del context
    for manifest in skew.requirements.manifests:
        for pin in _pins(manifest):
            if pin.flaw:
                yield _hit(pin)


def _pins(manifest: Manifest) -> Iterator[Pin]:
    steps = (*((manifest.step,) if manifest.step else ()), *manifest.steps)
    yield from dict.fromkeys(pin for step in steps for pin in step.pins)


def _hit(pin: Pin) -> Hit:
    local = _LOCAL.search(pin.specifier)
    if local:
        message = f"`{pin.text}` compares with a local version: only `==` may carry `+{pin.variant or '…'}`"
        exact = re.sub(r"^[<>~=!]+", "", pin.specifier.split(",")[0]).strip()
        public = re.sub(r"\+[\w.]+", "", pin.specifier)
        fix = f"write `{pin.name}=={exact}` with its index, or `{pin.name}{public}`"
    elif re.match(r"=[^=]", pin.specifier):
        message = f"`{pin.text}` is no requirement: `=` is no operator"
        fix = f"write `{pin.name}={pin.specifier}`"
    else:
        message = f"`{pin.text[:100]}` is not valid: {pin.flaw[:120].rstrip('.')}"
        fix = f"write a version of {pin.name} that exists, such as `{pin.name}==1.2.3`"
    return Hit(
        message,
        where=place(pin),
        fix=fix,
        notes=(("seen as", f"ERROR: Invalid requirement: '{pin.text[:80]}'"),),
        key=pin.name,
    )
