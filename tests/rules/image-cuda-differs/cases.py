from tests.rules.builders import bad, good
from tests.rules.projects import HOST, docker, skew

CASES = [
    bad(
        "another minor",
        skew(docker("RUN pip install torch==2.6.0", base="nvidia/cuda:12.1.1-runtime-ubuntu22.04")),
        "the image has CUDA 12.1, and torch 2.6.0+cu124 brings CUDA 12.4",
        "nothing has to be done",
        severity="info",
    ),
    bad(
        "another major and nothing compiled",
        skew(docker("RUN pip install torch==2.6.0", base="nvidia/cuda:11.8.0-runtime-ubuntu22.04")),
        "CUDA 11.8",
        severity="info",
    ),
    bad(
        "an extension is compiled",
        skew(docker("RUN pip install torch==2.6.0 flash-attn", base="nvidia/cuda:11.8.0-devel-ubuntu22.04")),
        "flash-attn cannot be compiled",
        severity="warning",
    ),
    good("the same", skew(docker("RUN pip install torch==2.6.0", base="nvidia/cuda:12.4.1-runtime-ubuntu22.04"))),
    good("no CUDA image", skew(docker("RUN pip install torch==2.6.0"))),
    good(
        "a CPU build",
        skew(
            docker(
                f"RUN pip install torch==2.6.0 --index-url {HOST}/whl/cpu",
                base="nvidia/cuda:12.1.1-runtime-ubuntu22.04",
            )
        ),
    ),
    good(
        "the image's own torch",
        skew(docker("RUN pip install flask", base="pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime")),
    ),
]
