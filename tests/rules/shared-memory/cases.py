from modeldoctor.findings import Where
from tests.rules.builders import bad, good
from tests.rules.serving import GIB, MIB, card, served

TWO = (card(), card())
CASES = [
    bad(
        "DataLoader workers with Docker's default",
        served(
            shm_bytes=64 * MIB, shm_use="DataLoader with workers", shm_where=Where("compose.yaml", line=4), gpus=TWO
        ),
        "64.0 MiB",
        "DataLoader",
        "compose.yaml",
    ),
    bad("one model over two GPUs", served(shm_bytes=64 * MIB, placement="split", gpus=TWO), "NCCL"),
    good("enough", served(shm_bytes=2 * GIB, shm_use="DataLoader with workers", gpus=TWO)),
    good("nothing uses it", served(shm_bytes=64 * MIB, gpus=TWO)),
    good("not known", served(placement="split", gpus=TWO)),
]
