"""MDR334: the tables of this tool are old."""

from collections.abc import Iterator

from modeldoctor.facts.verdict import Tables
from modeldoctor.findings import Hit, Severity
from modeldoctor.predict.compat import STALE_AFTER_DAYS
from modeldoctor.rules.base import Context, rule


@rule(
    Tables,
    code="MDR334",
    slug="tables-outdated",
    severity=Severity.INFO,
    since="0.1",
    summary="the version tables of this tool are older than half a year",
)
def tables_outdated(tables: Tables, context: Context) -> Iterator[Hit]:
    """Releases that came out after the tables were collected are unknown here, and what is newest today is not.

    ## What it finds
    Tables whose date lies more than 180 days back, when something was
    judged for a torch release. It is said once per run. What is said about the releases in
    them stays true; what they do not know is reported as unknown and never as a fault. Nothing is ever fetched from the
    network to find out.

    ## Why it matters
    For an unpinned torch, "today's newest" is the newest in the tables: the CUDA and the driver that it needs may have
    changed since. A pinned release that is newer than the tables is not judged at all.

    ## Seen as
    `torch 2.18.0 is newer than the tables (2.15.0, 2026-11-20)` among the skipped rules of a report. There is no error
    that a service would show.

    ## Fix
    Upgrade modeldoctor; the tables are part of the package. From a checkout, add the release to `facts/compat.yaml` and
    rebuild:

    ```sh
    python scripts/build_compat_tables.py
    ```

    ## References
    * `as_of` in `modeldoctor/tables/compat.json`
    """
    del context
    if tables.age_days > STALE_AFTER_DAYS:
        yield Hit(
            f"the version tables are {tables.age_days} days old: torch newer than {tables.newest} is not known",
            fix="upgrade modeldoctor",
            notes=(("as of", tables.as_of),),
            key="tables",
        )
