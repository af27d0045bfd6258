from tests.rules.builders import bad, good
from tests.rules.projects import skew

CASES = [
    bad(
        "half a year and a day",
        skew("torch==2.1.0\n")._replace(tables_age_days=181),
        "the version tables are 181 days old",
        "2.15.0",
        severity="info",
    ),
    good("half a year", skew("torch==2.1.0\n")._replace(tables_age_days=180)),
    good("no torch", skew("flask\n")._replace(tables_age_days=900)),
]
