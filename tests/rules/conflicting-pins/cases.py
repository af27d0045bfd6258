from tests.rules.builders import bad, good
from tests.rules.projects import docker, skew

CASES = [
    bad(
        "in one install",
        skew({"requirements.txt": "-r base.txt\ntorch==2.1.0\n", "base.txt": "torch==2.0.1\n"}),
        "one install asks for torch",
        severity="error",
    ),
    bad(
        "a constraint",
        skew({"requirements.txt": "torch==2.1.0\n-c limits.txt\n", "limits.txt": "torch==2.0.1\n"}),
        "asks for torch",
    ),
    bad(
        "replaced by a later step",
        skew(docker("RUN pip install torch==2.1.0", "RUN pip install torch==2.0.1", base="python:3.10")),
        "torch 2.1.0 is installed first and then replaced by 2.0.1",
        severity="warning",
    ),
    bad(
        "replaced for a companion",
        skew(docker("RUN pip install torch==2.1.0", "RUN pip install torchvision==0.15.2", base="python:3.10")),
        "replaced by 2.0.1",
    ),
    bad(
        "side by side",
        skew({"Dockerfile": "FROM python:3.12\nRUN pip install torch==2.6.0\n", "requirements.txt": "torch==2.4.0\n"}),
        "torch 2.4.0 here, but 2.6.0 in Dockerfile",
        "requirements.txt",
        severity="warning",
    ),
    good(
        "the Dockerfile installs the file",
        skew(
            {
                "Dockerfile": "FROM python:3.12\nRUN pip install -r requirements.txt\n",
                "requirements.txt": "torch==2.4.0\n",
            }
        ),
    ),
    good(
        "the same version twice",
        skew({"Dockerfile": "FROM python:3.12\nRUN pip install torch==2.6.0\n", "requirements.txt": "torch==2.6.0\n"}),
    ),
    good(
        "a patch makes no difference here",
        skew({"Dockerfile": "FROM python:3.12\nRUN pip install torch==2.4.1\n", "requirements.txt": "torch==2.4.0\n"}),
    ),
    good("alternatives", skew({"requirements-cpu.txt": "torch==2.4.0\n", "requirements-gpu.txt": "torch==2.6.0\n"})),
    good(
        "tests and other services",
        skew(
            {
                "a/requirements.txt": "torch==2.4.0\n",
                "b/requirements.txt": "torch==2.6.0\n",
                "tests/requirements.txt": "torch==2.1.0\n",
            }
        ),
    ),
    good(
        "the image's own torch is another matter",
        skew(docker("RUN pip install torch==2.6.0", base="pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime")),
    ),
]
