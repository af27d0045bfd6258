"""What a rule is, and the decorator that declares one."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.environment import Target
from modeldoctor.findings import Confidence, Hit, Severity, Unjudged, Where

DOCUMENTATION_URL = "https://torch-modeldoctor.readthedocs.io/rules/"

Check = Callable[[Any, "Context"], Iterator[Hit | Unjudged]]


class Context(NamedTuple):
    """What a rule may know besides its fact.

    `explicit`: the user named this very file; `strict`: what is not checked counts as an error (`--strict`).
    `part`: the fact is a file of a model that is judged as a whole too, so what follows from the tensors is said there.
    `located`: modules that the file imports and that were looked for in the project, so that MDR305 judges them.
    """

    target: Target = Target()
    trusted_globals: tuple[str, ...] = ()
    explicit: bool = True
    strict: bool = False
    part: bool = False
    located: frozenset[str] = frozenset()


class Rule(NamedTuple):
    """A declared rule. `needs` names fields of `Target` without which the rule is skipped, with that reason.

    `status`: a `preview` rule runs only with `--preview`, a `deprecated` one will be removed. `link` is where a plugin
    publishes the page, empty when it does not; None: with ours.
    """

    code: str
    slug: str
    summary: str
    severity: Severity
    fact: type
    check: Check
    since: str
    confidence: Confidence = Confidence.HIGH
    status: str = "stable"
    needs: tuple[str, ...] = ()
    link: str | None = None

    @property
    def page(self) -> str:
        """The documentation in markdown, from the docstring of the rule's function."""
        import inspect

        return inspect.cleandoc(self.check.__doc__ or "")

    @property
    def url(self) -> str:
        """Where the page is published; empty when it is not."""
        return f"{DOCUMENTATION_URL}{self.slug}/" if self.link is None else self.link


def rule(
    fact: type,
    *,
    code: str,
    slug: str,
    severity: Severity,
    summary: str,
    since: str,
    confidence: Confidence = Confidence.HIGH,
    status: str = "stable",
    needs: tuple[str, ...] = (),
    link: str | None = None,
) -> Callable[[Check], Rule]:
    """Declare a function over one fact type as a rule; the module attribute becomes the `Rule`."""

    def declare(check: Check) -> Rule:
        return Rule(code, slug, summary, severity, fact, check, since, confidence, status, needs, link)

    return declare


def place(checkpoint: Checkpoint, member: str | None = None, byte: int | None = None) -> Where:
    """A place in a model file; the member of a nested one is told from the outermost file, joined with `!`."""
    around = checkpoint.member
    if around and member != around and not (member or "").startswith(f"{around}!"):
        member = f"{around}!{member}" if member else around
    return Where(checkpoint.path, member=member, byte=byte)
