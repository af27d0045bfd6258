"""The rules themselves as text, JSON and markdown."""

import re
from typing import Any

from modeldoctor.reporters import json
from modeldoctor.reporters.text import Line, line, render
from modeldoctor.rules.base import Rule
from modeldoctor.wording import count


def rules_text(rules: tuple[Rule, ...], *, color: bool = False, columns: int | None = None) -> str:
    """A table, one rule per line, wrapped where there are `columns`."""
    width = max((len(rule.slug) for rule in rules), default=0)
    rows = [
        line(
            (rule.code, "code"),
            f"  {rule.slug:<{width}}  ",
            (f"{rule.severity!s:<7}", str(rule.severity)),
            f"  {rule.summary}",
            ("" if rule.status == "stable" else f" ({rule.status})", "dim"),
            hang=width + 19,
        )
        for rule in rules
    ]
    last = line((f"{count(len(rules), 'rule')}; `modeldoctor explain CODE` tells all about one", "dim"))
    return render([*rows, line(), last], color=color, width=columns)


def rules_json(rules: tuple[Rule, ...]) -> str:
    """`modeldoctor/rules/v1`."""
    return json.dumps(
        {
            "schema": "modeldoctor/rules/v1",
            "tool": json.TOOL,
            "rules": [_declaration(rule) for rule in rules],
            "errors": [],
        }
    )


def rule_json(rule: Rule) -> str:
    """`modeldoctor/explain/v1`."""
    return json.dumps(
        {
            "schema": "modeldoctor/explain/v1",
            "tool": json.TOOL,
            "rule": {**_declaration(rule), "markdown": rule.page},
            "errors": [],
        }
    )


def _declaration(rule: Rule) -> dict[str, Any]:
    return {
        "code": rule.code,
        "name": rule.slug,
        "severity": str(rule.severity),
        "confidence": str(rule.confidence),
        "summary": rule.summary,
        "since": rule.since,
        "status": rule.status,
        "fact": rule.fact.__name__,
        "needs": rule.needs,
        "url": rule.url,
    }


def rule_markdown(rule: Rule) -> str:
    """The page as it stands in the documentation."""
    status = "" if rule.status == "stable" else f" · {rule.status}"
    return f"# {rule.slug} ({rule.code})\n\n**{rule.severity}** · since {rule.since}{status}\n\n{rule.page}\n"


def rule_text(rule: Rule, *, color: bool = False, columns: int | None = None) -> str:
    """The page for a terminal: headings and code set apart, no markdown signs, wrapped where there are `columns`."""
    severity = str(rule.severity)
    head = [line((f"{severity}[{rule.code}]", severity), (f" {rule.slug}", "bold")), line(rule.summary), line()]
    return render(head + _page(rule.page), color=color, width=columns)


def _page(markdown: str) -> list[Line]:
    """Paragraphs and list items are one line each; code keeps its lines."""
    lines: list[Line] = []
    in_code, paragraph = False, ""
    for text in [*markdown.splitlines(), ""]:
        starts_anew = in_code or not text.strip() or text.startswith(("```", "## ", "* ", "- "))
        if paragraph and starts_anew:
            lines.append(Line(tuple(_inline(paragraph)), hang=2 if paragraph.startswith(("* ", "- ")) else 0))
            paragraph = ""
        if text.startswith("```"):
            in_code = not in_code
        elif in_code:
            lines.append(line((f"    {text}", "code"), wrap=False))
        elif text.startswith("## "):
            lines.append(line((text[3:], "bold")))
        elif text.strip():
            paragraph = f"{paragraph} {text.strip()}" if paragraph else text
        else:
            lines.append(line())
    return lines[:-1]


def _inline(text: str) -> list[tuple[str, str]]:
    """Spans of a line of markdown: **bold** and *emphasis* lose their signs, links show their address."""
    text = re.sub(r"\[([^\]]+)\]\((https?://[^)]+)\)", r"\1 (\2)", text)
    spans = []
    for part in re.split(r"(`[^`]+`|\*\*[^*]+\*\*|\*[^*\s][^*]*\*)", text):
        if part.startswith("`") and len(part) > 1:
            spans.append((part, "code"))
        elif part.startswith("*") and part.endswith("*"):
            spans.append((part.strip("*"), "bold"))
        elif part:
            spans.append((part, ""))
    return spans
