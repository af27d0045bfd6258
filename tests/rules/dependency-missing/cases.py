from tests.rules.archives import ECHO, NONE, handled, mar, weights
from tests.rules.builders import bad, good

CASES = [
    bad("unknown", handled(b"import transformers\n" + ECHO), "`transformers`", severity="info"),
    bad(
        "known to be absent",
        mar({"handler.py": b"import transformers\n" + ECHO}, dockerfile="FROM pytorch/torchserve:0.12.0-cpu\n"),
        "transformers",
        severity="error",
    ),
    bad(
        "of the server's handler",
        mar(
            {"handler.py": NONE, "m.pt": weights("net_scripted.pt")}, handler="image_classifier", serializedFile="m.pt"
        ),
        "`torchvision` and `captum`",
        severity="info",
    ),
    good(
        "installed",
        mar(
            {"handler.py": b"import transformers\n" + ECHO},
            dockerfile="FROM pytorch/torchserve:0.12.0-cpu\nRUN pip install transformers==4.40.0\n",
        ),
    ),
    good("always there", handled(b"import torch, yaml, json\n" + ECHO)),
]
