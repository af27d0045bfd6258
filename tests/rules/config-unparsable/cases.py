from tests.rules.archives import configured, mar
from tests.rules.builders import bad, good

CASES = [
    bad("a tab", configured("a:\n\tb: 1\n"), "not YAML", "ScannerError"),
    bad("a bracket", configured("minWorkers: [1\n"), "not YAML"),
    bad("absent", mar(configFile="model-config.yaml"), "not in the archive", "FileNotFoundError"),
    good("YAML", configured("minWorkers: 1\n")),
]
