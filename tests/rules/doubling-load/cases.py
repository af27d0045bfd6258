from modeldoctor.findings import Where
from modeldoctor.predict.memory.loading import STYLES
from tests.rules.builders import bad, good
from tests.rules.serving import card, model, served

PLACE = Where("shop/nets.py", line=14)
CASES = [
    bad(
        "a fresh module beside the dict",
        served(model(), load=STYLES["state-dict"], load_where=PLACE, gpus=(card(),)),
        "2.0 times", "on the host", "shop/nets.py", severity="warning",
    ),
    bad("with Adam's state", served(model(1024, optimizer_mib=2048), load=STYLES["state-dict"], gpus=(card(),)), "4.0 times"),
    bad("through BytesIO", served(model(), load=STYLES["bytesio"], gpus=()), "3.0 times"),
    bad("onto the GPU, beside the module", served(model(), load=STYLES["gpu"], gpus=(card(),)), "on the GPU", "2.0 times"),
    bad("the dict stays", served(model(), load=STYLES["state-dict-kept"], gpus=()), "afterwards", "drop the reference"),
    good("meta and mmap", served(model(), load=STYLES["meta-mmap"], gpus=(card(),))),
    good("a whole model", served(model(), load=STYLES["whole"], gpus=(card(),))),
    good("nobody says how", served(model(), gpus=(card(),))),
    good("a small one", served(model(100), load=STYLES["state-dict"], gpus=(card(),))),
]  # fmt: skip
