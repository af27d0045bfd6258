from tests.rules.builders import bad, good
from tests.rules.projects import skew

CASES = [
    bad(
        "TOML",
        skew({"pyproject.toml": '[project]\ndependencies = ["torch==2.1.0"]\nwhat is this\n'}),
        "is not TOML",
        "partly understood",
        severity="error",
    ),
    bad("a line that is none", skew("torch==2.1.0\nimport torch\n"), "is no requirement", severity="error"),
    bad("a merge", skew("<<<<<<< HEAD\ntorch==2.1.0\n=======\ntorch==2.1.0\n>>>>>>> x\n"), "a merge left", hits=2),
    bad(
        "a missing include",
        skew("-r nowhere.txt\ntorch\n"),
        "includes `nowhere.txt`, which does not exist",
        severity="error",
    ),
    bad(
        "a loop",
        skew({"requirements.txt": "-r b-requirements.txt\n", "b-requirements.txt": "-r requirements.txt\n"}),
        "includes this file again",
    ),
    bad("YAML", skew({"environment.yml": "dependencies:\n- pytorch\n bad: [\n"}), "is not valid YAML"),
    bad(
        "other people's code",
        skew({"requirements.txt": "torch==2.1.0\n", "third_party/x/pyproject.toml": "what is this\n"}),
        "is not TOML",
        severity="info",
    ),
    good("understood", skew("torch==2.1.0\n")),
    good(
        "what is computed is no fault",
        skew({"setup.py": "from setuptools import setup\nsetup(install_requires=read())\n"}),
    ),
]
