from modeldoctor.findings import Where
from modeldoctor.predict.memory.loading import STYLES
from tests.rules.builders import bad, good
from tests.rules.serving import GIB, card, model, served

PLACE = Where("k8s.yaml", line=12)
CASES = [
    bad(
        "two copies while loading",
        served(model(2048), load=STYLES["state-dict"], gpus=(card(),), host_limit_bytes=3 * GIB, host_limit_where=PLACE),
        "at least 4.2 GiB", "3.0 GiB", "k8s.yaml", severity="error",
    ),
    bad(
        "four workers together",
        served(model(1024), load=STYLES["meta"], processes=4, gpus=(), host_limit_bytes=3 * GIB),
        "4 workers need at least",
    ),
    bad(
        "likely, not certainly",
        served(model(1024), load=STYLES["meta"], gpus=(card(),), host_limit_bytes=int(1.4 * GIB)),
        "likely", severity="warning",
    ),
    good("mapped and assigned", served(model(2048), load=STYLES["meta-mmap"], gpus=(card(),), host_limit_bytes=1 * GIB)),
    good("no limit is known", served(model(2048), load=STYLES["state-dict"], gpus=(card(),))),
    good("a roomy limit", served(model(1024), load=STYLES["state-dict"], gpus=(card(),), host_limit_bytes=8 * GIB)),
]  # fmt: skip
