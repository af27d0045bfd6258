from tests.rules.archives import mar
from tests.rules.builders import bad, good

CASES = [
    bad(
        "another one",
        mar({"requirements.txt": b"torch==1.10.0\n"}, requirementsFile="requirements.txt"),
        "`torch==1.10.0`",
        "2.13.0",
        torch="2.13.0",
    ),
    bad(
        "that of the image",
        mar(
            {"requirements.txt": b"torch==1.10.0\n"},
            requirementsFile="requirements.txt",
            dockerfile="FROM pytorch/torchserve:0.12.0-cpu\n",
        ),
        "2.4.0",
    ),
    good("the same", mar({"requirements.txt": b"torch>=2.0\n"}, requirementsFile="requirements.txt"), torch="2.13.0"),
    good("nobody knows", mar({"requirements.txt": b"torch==1.10.0\n"}, requirementsFile="requirements.txt")),
]
