"""Write `docs/rules/` from the rules: one page each and an index.

Usage: python scripts/write_rule_pages.py [--check]     (--check writes nothing and fails if a page is out of date)
"""

import sys
from pathlib import Path

from modeldoctor.reporters.catalogue import rule_markdown
from modeldoctor.rules import all_rules
from modeldoctor.rules.base import Rule

PAGES = Path(__file__).parent.parent / "docs" / "rules"
FAMILIES = {
    "1": "File integrity",
    "2": "Pickled content",
    "3": "Versions",
    "4": "Memory and load time",
    "5": "Serving code",
    "6": "TorchServe",
    "7": "Deployment",
    "8": "This machine",
    "9": "The gate itself",
}


def index(rules: tuple[Rule, ...]) -> str:
    """All rules by family."""
    lines = ["# Rules", "", "These pages are written from the rules by `scripts/write_rule_pages.py`."]
    for digit, title in FAMILIES.items():
        family = [rule for rule in rules if rule.code.startswith(f"MDR{digit}")]
        if family:
            lines += [
                "",
                f"## {digit}xx: {title}",
                "",
                "| code | rule | severity | what it finds |",
                "|---|---|---|---|",
            ]
            lines += [f"| {r.code} | [{r.slug}]({r.slug}.md) | {r.severity} | {r.summary} |" for r in family]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the pages, or compare them."""
    rules = all_rules()
    wanted = {f"{rule.slug}.md": rule_markdown(rule) for rule in rules} | {"index.md": index(rules)}
    present = {path.name: path.read_text(encoding="utf-8") for path in PAGES.glob("*.md")}
    if "--check" in sys.argv[1:]:
        stale = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
        print("\n".join(f"out of date: docs/rules/{name}" for name in stale) or "docs/rules is up to date")
        return 1 if stale else 0
    PAGES.mkdir(parents=True, exist_ok=True)
    for name in present.keys() - wanted.keys():
        (PAGES / name).unlink()
    for name, text in wanted.items():
        (PAGES / name).write_text(text, encoding="utf-8", newline="\n")
    print(f"wrote {len(wanted)} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
