from tests.rules.builders import bad, good
from tests.rules.projects import HOST, docker, skew

CASES = [
    bad(
        "a CUDA wheel and no GPU",
        skew("torch==2.9.1", gpus=""),
        "torch 2.9.1+cu128 brings CUDA",
        "torch==2.9.1+cpu",
        severity="info",
    ),
    bad(
        "in a Dockerfile",
        skew(docker("RUN pip install torch==2.9.1"), gpus=""),
        "pip install torch==2.9.1 --index-url",
        "/whl/cpu",
    ),
    good("nothing is known of GPUs", skew(docker("RUN pip install torch==2.9.1"))),
    good("a CPU build", skew(f"-i {HOST}/whl/cpu\ntorch==2.9.1\n", gpus="")),
    good(
        "the base image has it",
        skew(docker("RUN pip install flask", base="pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime"), gpus=""),
    ),
]
