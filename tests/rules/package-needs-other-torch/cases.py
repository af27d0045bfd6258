from tests.rules.builders import bad, good, skipped
from tests.rules.projects import skew

CASES = [
    bad(
        "xformers",
        skew("torch==2.6.0\nxformers==0.0.30\n"),
        "xformers 0.0.30 asks for torch==2.7.0",
        "xformers==0.0.29.post3",
        severity="error",
    ),
    bad("vllm", skew("torch==2.8.0\nvllm==0.9.2\n"), "vllm 0.9.2 asks for torch==2.7.0"),
    bad(
        "transformers",
        skew("torch==1.13.1\ntransformers==4.55.4\n"),
        "torch>=2.1",
        "Disabling PyTorch",
        severity="warning",
    ),
    bad("accelerate", skew("torch==1.13.1\naccelerate==1.10.0\n"), "accelerate 1.10.0", severity="error"),
    bad("bitsandbytes", skew("torch==2.1.0\nbitsandbytes==0.46.0\n"), "<3,>=2.2"),
    bad("lightning", skew("torch==1.13.1\nlightning==2.4.0\n"), "lightning 2.4.0"),
    bad(
        "what vllm asks of others",
        skew("torch==2.7.0\nvllm==0.9.2\ntransformers==4.40.0\n"),
        "transformers>=4.51.1",
        "transformers 4.40.0 is pinned",
    ),
    good("xformers of this torch", skew("torch==2.7.0\nxformers==0.0.30\n")),
    good("vllm decides for an open torch", skew("torch\nvllm==0.9.2\n")),
    good(
        "above the floor",
        skew("torch==2.6.0\ntransformers==4.55.4\naccelerate==1.10.0\nbitsandbytes==0.46.0\npeft==0.19.1\n"),
    ),
    good("a patch that is not in the table has the floor of its minor", skew("torch==2.6.0\ntransformers==4.52.1\n")),
    good("nothing pinned", skew("torch==2.6.0\ntransformers\nxformers\n")),
    skipped("a vllm that is not known", skew("torch==2.6.0\nvllm==0.1.0\n"), "vllm 0.1.0 is not in the tables"),
]
