"""MDR304."""

from collections.abc import Iterator

from modeldoctor.facts.verdict import Verdict
from modeldoctor.findings import Confidence, Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.loading._common import asked_for

_PICKLED = frozenset({"torch-zip", "torch-legacy", "torch-tar"})


@rule(
    Verdict,
    code="MDR304",
    slug="vulnerable-torch",
    severity=Severity.WARNING,
    since="0.1",
    summary="the restricted loader of the target's torch has a published hole",
    confidence=Confidence.MEDIUM,
    needs=("torch",),
)
def vulnerable_torch(verdict: Verdict, context: Context) -> Iterator[Hit]:
    """The restricted loader of the target's torch can be broken by a file.

    ## What it finds
    A target below torch 2.6 (a warning) or below 2.10 (info) that loads pickled files.

    ## Why it matters
    `weights_only=True` is the promise that a file cannot run code. Below 2.6.0 a crafted file breaks it
    (CVE-2025-32434), below 2.10.0 one can corrupt memory (CVE-2026-24747). It matters as soon as one file comes from
    somebody else: a hub, an upload, a bucket that others write to. For files that only you write, silence it.

    ## Seen as
    No error at all: the crafted file loads like any other, and its code has run by then. Scanners name the advisory
    (`GHSA-53q9-r3pm-6pq6`) for the installed release.

    ## Fix
    Raise the pin: `torch>=2.10`. Where that cannot be, take files of others as safetensors only.

    ## References
    * CVE-2025-32434 (torch before 2.6.0), GHSA-53q9-r3pm-6pq6
    * CVE-2026-24747 (torch before 2.10.0)
    """
    del context
    torch = verdict.target.torch
    if torch is None or verdict.checkpoint.format not in _PICKLED or not torch.release:
        return
    if torch.release < (2, 6):
        yield Hit(
            f"{asked_for(verdict)} loads pickled files, and before 2.6 a crafted file runs code even with "
            "`weights_only=True` (CVE-2025-32434)",
            fix="install `torch>=2.10` if any file comes from outside",
            key="CVE-2025-32434",
        )
    elif torch.release < (2, 10):
        yield Hit(
            f"{asked_for(verdict)} loads pickled files, and before 2.10 a crafted file can corrupt memory "
            "(CVE-2026-24747)",
            fix="install `torch>=2.10` if any file comes from outside",
            severity=Severity.INFO,
            key="CVE-2026-24747",
        )
