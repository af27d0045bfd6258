from tests.rules.archives import ECHO, checkpoint, eager, mar, weights
from tests.rules.builders import bad, good

CASES = [
    bad("a whole model", eager({"model.pth": checkpoint("full_model.pt")}), "torch.load", torch="2.13.0"),
    bad(
        "by the handler, with new releases",
        mar(
            {
                "handler.py": b"import torch\n"
                + ECHO.replace(b"self.ready = True", b"self.model = torch.load('m.pth', map_location='cpu')"),
                "m.pth": checkpoint("full_model.pt"),
                "shop/nets.py": b"",
            }
        ),
        "torch 2.6 and later",
        severity="warning",
    ),
    bad("cut", eager({"model.pth": weights()[:700]}), "fails", torch="2.13.0"),
    bad("TorchScript", eager({"model.pth": weights("net_scripted.pt")}), "TorchScript", torch="2.13.0"),
    good("a state_dict", eager(), torch="2.13.0"),
    good(
        "trusted",
        mar(
            {
                "handler.py": b"import torch\n"
                + ECHO.replace(
                    b"self.ready = True", b"self.model = torch.load('m.pth', weights_only=False, map_location='cpu')"
                ),
                "m.pth": checkpoint("full_model.pt"),
                "shop/nets.py": b"class Classifier: ...",
            }
        ),
        torch="2.13.0",
    ),
]
