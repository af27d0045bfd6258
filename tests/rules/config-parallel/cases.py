from tests.rules.archives import configured
from tests.rules.builders import bad, good

CASES = [
    bad("no torchrun", configured("parallelType: pp\nparallelLevel: 2\n"), "needs `torchrun`", severity="error"),
    bad("unknown", configured("parallelType: data\n"), "`data`", severity="warning"),
    good("whole", configured("parallelType: tp\nparallelLevel: 2\ntorchrun:\n  nproc-per-node: 2\n")),
    good("custom", configured("parallelType: custom\nparallelLevel: 2\n")),
]
