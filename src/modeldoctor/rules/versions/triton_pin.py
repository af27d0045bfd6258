"""MDR318: a triton that torch does not ask for."""

from collections.abc import Iterator

from modeldoctor.facts.skew import Environment, Skew
from modeldoctor.findings import Hit, Severity, Unjudged
from modeldoctor.predict.versions import allows, public
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import beside, over, release_of, shown, where
from modeldoctor.tables import table


@rule(
    Skew,
    code="MDR318",
    slug="triton-pin",
    severity=Severity.ERROR,
    since="0.1",
    summary="triton is pinned to another version than torch pins",
)
def triton_pin(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """Each torch release pins the triton it was built with; a second pin can only agree or break.

    ## What it finds
    A `triton==…` beside a CUDA build of torch for Linux that asks for another one: torch 2.1 pins triton 2.1.0, 2.6
    pins 3.2.0, 2.13 pins 3.7.1; from 2.14 on it is a range (`~=3.8.0`). CPU builds and Windows wheels ask for none and
    are not judged, neither are conda environments.

    ## Why it matters
    In one `pip install` the resolver refuses. In a second one pip replaces the triton below torch with a warning, and
    `torch.compile` or any library with its own kernels (bitsandbytes, unsloth, flash-linear-attention) fails when the
    first kernel is compiled: at the first request, not at import.

    ## Seen as
    * `ERROR: Cannot install torch==2.6.0 and triton==3.0.0 because these package versions have conflicting
      dependencies.`
    * `torch 2.6.0 requires triton==3.2.0; platform_system == "Linux" …, but you have triton 3.0.0 which is
      incompatible.`
    * `ImportError: cannot import name 'triton_key' from 'triton.compiler.compiler'`

    ## Fix
    Delete the pin; torch brings the right triton. If a library needs a newer triton, it needs a newer torch:

    ```text
    torch==2.6.0
    # triton comes with it
    ```

    ## References
    * METADATA of torch 2.0.0 to 2.15.0, `Requires-Dist: triton`
    """
    del context
    return over(skew, _check)


def _check(environment: Environment) -> Iterator[Hit | Unjudged]:
    torch, triton = environment.torch, environment.packages.get("triton")
    if torch is None or triton is None or not triton.version or not torch.version:
        return
    if environment.system != "linux" or torch.variant[:2] != "cu" or any(pin.manager == "conda" for pin in torch.pins):
        return
    if any(pin.role == "locked" for pin in triton.pins):
        return  # a resolver has looked at both
    yield from release_of(environment, torch)
    asked = table("compat")["releases"].get(public(torch.version), {}).get("triton", "")
    asked = asked if not asked or asked[0] in "=~<>" else f"=={asked}"
    if not asked or allows(asked, triton.version):
        return
    yield Hit(
        f"triton {triton.version} is pinned, and {shown(torch)} asks for triton{asked}",
        where=where(environment, triton),
        fix="delete the pin of triton: torch brings the one that it was built with",
        notes=(("seen as", "ImportError: cannot import name 'triton_key' from 'triton.compiler.compiler'"),),
        related=beside(torch),
        key="triton",
    )
