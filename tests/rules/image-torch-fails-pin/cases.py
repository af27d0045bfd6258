from tests.rules.builders import bad, good
from tests.rules.projects import docker, skew

CASES = [
    bad(
        "directly",
        skew(docker("RUN pip install 'torch>=2.5'", base="nvcr.io/nvidia/pytorch:24.08-py3")),
        "`torch>=2.5` is not satisfied",
        "2.5.0a0",
        "replaces it",
        severity="warning",
    ),
    bad(
        "through a companion",
        skew(docker("RUN pip install torchvision==0.20.0", base="nvcr.io/nvidia/pytorch:24.08-py3")),
        "torchvision==0.20.0",
    ),
    bad(
        "the constraint file forbids it",
        skew(docker("RUN pip install 'torch>=2.8'", base="nvcr.io/nvidia/pytorch:25.06-py3")),
        "makes pip stop",
        severity="error",
    ),
    good("an older floor", skew(docker("RUN pip install 'torch>=2.4'", base="nvcr.io/nvidia/pytorch:24.08-py3"))),
    good(
        "no torch asked for",
        skew(docker("RUN pip install flask transformers", base="nvcr.io/nvidia/pytorch:24.08-py3")),
    ),
    good(
        "not a pre-release",
        skew(docker("RUN pip install torch==2.6.0", base="pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime")),
    ),
]
