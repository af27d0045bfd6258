from tests.rules.archives import ECHO, mar
from tests.rules.builders import bad, good

CASES = [
    bad(
        "needed",
        mar(
            {"handler.py": b"import transformers\n" + ECHO, "requirements.txt": b"transformers==4.40.0\n"},
            requirementsFile="requirements.txt",
            properties="default_workers_per_model=1\n",
        ),
        hits=2,
    ),
    bad(
        "nobody knows",
        mar({"requirements.txt": b"transformers==4.40.0\n"}, requirementsFile="requirements.txt"),
        "off by default",
        severity="info",
    ),
    good(
        "switched on",
        mar(
            {"handler.py": b"import transformers\n" + ECHO, "requirements.txt": b"transformers==4.40.0\n"},
            requirementsFile="requirements.txt",
            properties="install_py_dep_per_model=true\n",
        ),
    ),
]
