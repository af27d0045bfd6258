"""The formats of a report that programs read, by name. Each module is imported when its format is asked for."""

import posixpath
from typing import NamedTuple

from modeldoctor.findings import Finding, Report, Where

# What `--format` and `--report` take besides `terminal` and `plain`.
MACHINE = ("json", "sarif", "github", "gitlab", "junit", "markdown")


class Setup(NamedTuple):
    """What a format may need to know besides the report.

    `prefix` leads from the root of the repository to the working directory: platforms want paths from the root.
    `category` names this analysis among others of the same repository.
    """

    prefix: str = ""
    category: str = ""

    def from_root(self, path: str) -> str:
        """A path as the platform knows it."""
        return path if not self.prefix or path.startswith("/") else posixpath.normpath(f"{self.prefix}/{path}")


def machine_text(report: Report, name: str, setup: Setup) -> str:
    """The report in one of the formats that programs read."""
    if name == "json":
        from modeldoctor.reporters.json import report_text

        return _no_commands(report_text(report))
    if name == "sarif":
        from modeldoctor.reporters.sarif import sarif

        return _no_commands(sarif(report, setup))
    if name == "github":
        from modeldoctor.reporters.github import annotations

        return annotations(report, setup)
    if name == "gitlab":
        from modeldoctor.reporters.gitlab import code_quality

        return _no_commands(code_quality(report, setup))
    if name == "junit":
        from modeldoctor.reporters.junit import junit

        return junit(report)
    from modeldoctor.reporters.markdown import markdown

    return markdown(report)


def _no_commands(text: str) -> str:
    """JSON that says the same without `##[`, which GitHub's runner takes for a command wherever it is logged."""
    return text.replace("##[", "#\\u0023[")


def first_line(where: Where) -> int:
    """The line of a place; 1 in files that have none, because the platforms want one."""
    return where.line or 1


def in_words(finding: Finding) -> str:
    """Message, place inside a binary file, and fix, for formats that have one field for all."""
    where = finding.where
    inside = [where.member or "", f"at byte {where.byte}" if where.byte is not None else ""]
    text = finding.message + (f" ({' '.join(part for part in inside if part)})" if any(inside) else "")
    return text + (f"; fix: {finding.fix}" if finding.fix else "")
