from tests.rules.archives import configured, mar
from tests.rules.builders import bad, good

CASES = [
    bad("not named", mar({"model-config.yaml": "minWorkers: 1\n"}), "nobody reads it", severity="info"),
    good("named", configured("minWorkers: 1\n")),
]
