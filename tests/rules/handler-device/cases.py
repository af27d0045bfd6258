from tests.rules.archives import ECHO, handled
from tests.rules.builders import bad, good

CASES = [
    bad(
        "nobody knows",
        handled(b"import torch\n" + ECHO.replace(b"self.ready = True", b"self.net = torch.nn.Linear(1, 1).cuda()")),
        "asks for CUDA",
        severity="info",
    ),
    bad(
        "without a GPU",
        handled(b"import torch\n" + ECHO.replace(b"self.ready = True", b"self.net = torch.nn.Linear(1, 1).to('cuda')")),
        "asks for CUDA",
        severity="error",
        gpus="",
    ),
    good(
        "guarded",
        handled(
            b"import torch\n"
            + ECHO.replace(
                b"self.ready = True", b"if torch.cuda.is_available():\n            torch.nn.Linear(1, 1).cuda()"
            )
        ),
    ),
]
