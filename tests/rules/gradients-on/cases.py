from modeldoctor.findings import Where
from tests.rules.builders import bad, good
from tests.rules.serving import card, served

CASES = [
    bad(
        "a plain call",
        served(grad=True, grad_where=Where("views.py", line=30), gpus=(card(),)),
        "views.py",
        "inference_mode",
    ),
    good("under no_grad", served(grad=False, gpus=(card(),))),
    good("not known", served(gpus=(card(),))),
]
