from tests.rules.archives import configured, eager, sample
from tests.rules.builders import bad, good

CASES = [
    bad("no enable", sample("config_pt2.mar"), "KeyError: 'enable'", severity="error"),
    bad("nothing", eager({"model-config.yaml": "pt2:\n"}, configFile="model-config.yaml"), "NoneType"),
    bad(
        "old form",
        eager({"model-config.yaml": "pt2: inductor\n"}, configFile="model-config.yaml"),
        "deprecated",
        severity="info",
    ),
    good("whole", eager({"model-config.yaml": "pt2: {compile: {enable: true}}\n"}, configFile="model-config.yaml")),
    good("not the stock one", configured("pt2:\n")),
]
