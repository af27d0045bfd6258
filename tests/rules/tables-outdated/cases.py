from modeldoctor.facts.verdict import Tables
from tests.rules.builders import bad, good

TABLES = Tables("requirements.txt", "2026-01-01", 181, "2.15.0")

CASES = [
    bad("half a year and a day", TABLES, "the version tables are 181 days old", "2.15.0", severity="info"),
    good("half a year", TABLES._replace(age_days=180)),
]
