"""MDR332: a manifest that cannot be read, or not to its end."""

from collections.abc import Iterator

from modeldoctor.facts.pins import Flaw, Manifest
from modeldoctor.facts.skew import Skew
from modeldoctor.findings import Hit, Severity, Unjudged, Where
from modeldoctor.rules.base import Context, rule

# Said by `requirement-without-effect`, or no fault of the file.
_ELSEWHERE = {"option", "dynamic"}
_FIXES = {
    "syntax": "mend the line; the other lines were judged all the same",
    "requirement": "mend or delete the line; the other lines were judged all the same",
    "conflict": "finish the merge: both sides were read as if they stood there",
    "missing": "add the file, or delete the line that includes it",
    "loop": "delete one of the includes",
    "encoding": "save the file as UTF-8",
    "limit": "what lies beyond the limit was not judged; name the file that matters on the command line",
}


@rule(
    Skew,
    code="MDR332",
    slug="manifest-not-understood",
    severity=Severity.WARNING,
    since="0.1",
    summary="a requirement file, lock or the like could not be read, or only in part",
)
def manifest_not_understood(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """What a manifest says beyond the point that could not be read is not judged, and often not installed either.

    ## What it finds
    Files that say what gets installed, and lines in them that do not follow their format: TOML, YAML, JSON or Python
    with a syntax error, a line that is no requirement, marks of an unfinished merge, a file that includes itself or one
    that does not exist, text that is not UTF-8, files above the limits of this tool. An error when the tool that reads
    the file stops there too, else a warning; an info for files among tests, examples and other people's code. The rest
    of the file is read and judged.

    ## Why it matters
    "Not understood" must not look like "clean". And where pip, uv, poetry or docker stop as well, the image cannot be
    built.

    ## Seen as
    * `ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'base.txt'`
    * `ERROR: Invalid requirement: '<<<<<<< HEAD'`
    * `tomllib.TOMLDecodeError: Invalid value (at line 7, column 12)`; `TOML parse error at line 7, column 12` (uv)

    ## Fix
    Go to the line that is named. A file with merge marks was committed in the middle of a merge:

    ```sh
    git diff --check
    ```

    ## References
    * pip, requirements file format; PEP 508; TOML 1.0; the formats of uv.lock, poetry.lock and pylock.toml (PEP 751)
    """
    del context
    seen: set[Flaw] = set()
    for manifest in skew.requirements.manifests:
        for flaw in manifest.flaws:
            if flaw.kind not in _ELSEWHERE and flaw not in seen:
                seen.add(flaw)
                yield _hit(flaw, manifest)
    for flaw in skew.requirements.flaws:
        if flaw not in seen:
            yield _hit(flaw, None)


def _hit(flaw: Flaw, manifest: Manifest | None) -> Hit:
    what = manifest.kind if manifest else "the project"
    state = f", so it was {manifest.state}" if manifest and manifest.state != "understood" else ""
    message = flaw.message if flaw.kind in {"missing", "loop", "limit"} else f"this {what} file {flaw.message}{state}"
    if flaw.kind in {"requirement", "conflict", "syntax"} and flaw.message.startswith(("`", "a merge", "the value")):
        message = f"{flaw.message}{state}"
    severity = Severity.ERROR if flaw.fatal else Severity.WARNING
    if flaw.kind == "encoding" or (manifest and manifest.aside):
        severity = Severity.INFO
    return Hit(
        message,
        where=Where(flaw.path, line=flaw.line),
        fix=_FIXES.get(flaw.kind, "mend the line"),
        severity=severity,
        key=flaw.kind,
    )
