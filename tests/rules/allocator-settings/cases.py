from modeldoctor.findings import Where
from tests.rules.builders import bad, good
from tests.rules.serving import card, served


def under(*pairs: tuple[str, str]):
    return served(environment=pairs, environment_where=Where("Dockerfile", line=7), gpus=(card(),))


CASES = [
    bad("small splits", under(("PYTORCH_CUDA_ALLOC_CONF", "max_split_size_mb:32")), "32 MB", "Dockerfile"),
    bad("no caching", under(("PYTORCH_NO_CUDA_MEMORY_CACHING", "1")), "every tensor ask the driver"),
    bad("eager kernels", under(("CUDA_MODULE_LOADING", "EAGER")), "every kernel"),
    bad(
        "options of another backend",
        under(("PYTORCH_ALLOC_CONF", "backend:cudaMallocAsync,max_split_size_mb:512")),
        "cudaMallocAsync",
    ),
    good("expandable segments", under(("PYTORCH_ALLOC_CONF", "expandable_segments:True"))),
    good("caching left on", under(("PYTORCH_NO_CUDA_MEMORY_CACHING", "0"))),
    good("nothing set", served(gpus=(card(),))),
]
