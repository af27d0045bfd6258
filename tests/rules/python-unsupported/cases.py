from tests.rules.builders import bad, good, skipped
from tests.rules.projects import HOST, docker, skew

CASES = [
    bad(
        "an old torch in a new image",
        skew(docker("RUN pip install torch==1.6.0")),
        "torch 1.6.0 has no wheel for Python 3.12",
        "3.6 to 3.8",
        severity="error",
    ),
    bad(
        "a new torch in an old image",
        skew(docker("RUN pip install torch==2.15.0", base="python:3.10-slim")),
        "has no wheel for Python 3.10",
        "use Python 3.15",
    ),
    bad("given by a flag", skew("torch==2.15.0", python="3.10"), "Python 3.10"),
    bad(
        "a tag that floats",
        skew(docker(f"RUN pip install torch==1.6.0+cpu -f {HOST}/whl/torch_stable.html", base="python:3")),
        "the image's tag means today",
    ),
    bad(
        "apt brings it",
        skew(docker("RUN apt-get install -y python3-pip && pip3 install torch==2.6.0", base="ubuntu:20.04")),
        "Python 3.8",
    ),
    bad(
        "a version file",
        skew({"requirements.txt": "torch==2.1.0\n", ".python-version": "3.12\n"}),
        "Python 3.12",
        ".python-version",
    ),
    bad("an old Mac", skew("torch==2.3.0", python="3.11", platform="macos-x86_64"), "no wheel for macos x86_64"),
    bad("NumPy", skew(docker("RUN pip install numpy==1.21.6")), "numpy 1.21.6 does not support Python 3.12"),
    bad("Django", skew(docker("RUN pip install django==6.0.1", base="python:3.11")), "django 6.0.1"),
    bad("vllm", skew(docker("RUN pip install vllm==0.9.2 torch==2.7.0", base="python:3.13")), "vllm 0.9.2"),
    good("supported", skew("torch==2.13.0", python="3.13")),
    good("supported in an image", skew(docker("RUN pip install torch==2.13.0"))),
    good("the Python is not known", skew("torch==1.6.0")),
    good(
        "in the base image already",
        skew(docker("RUN pip install flask", base="pytorch/pytorch:1.5.1-cuda10.1-cudnn7-runtime")),
    ),
    good("conda has builds of its own", skew({"environment.yml": "dependencies:\n- python=3.12\n- pytorch==1.13.1\n"})),
    good(
        "a matrix of the CI decides nothing",
        skew(
            {
                "requirements.txt": "torch==1.13.1\n",
                ".github/workflows/ci.yml": "jobs:\n  t:\n    strategy:\n      matrix:\n        python-version: ['3.13']\n",
            }
        ),
    ),
    good(
        "a marker for another Python",
        skew("torch==1.13.1; python_version < '3.8'\ntorch==2.13.0; python_version >= '3.8'\n", python="3.12"),
    ),
    skipped("a torch that is not known", skew("torch==99.0", python="3.12"), "newer than the tables"),
]
