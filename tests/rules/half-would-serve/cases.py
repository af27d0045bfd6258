from tests.rules.builders import bad, good
from tests.rules.serving import model

CASES = [
    bad("a large float32 model", model(2048), "2.0 GiB", "1.0 GiB", "bfloat16", gpus="t4", severity="info"),
    bad("nothing is known of the target", model(1024), "float32"),
    good("half precision", model(2048, "bfloat16"), gpus="t4"),
    good("a small one", model(100)),
    good("a CPU", model(2048), cuda="cpu"),
    good("float64 has its own rule", model(2048, "float64")),
]
