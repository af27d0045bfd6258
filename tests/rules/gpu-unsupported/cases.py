from tests.rules.builders import bad, good, skipped
from tests.rules.projects import HOST, docker, skew

CASES = [
    bad(
        "dropped",
        skew("torch==2.13.0", gpus="v100"),
        "no code for V100-16GB (sm_70)",
        "torch==2.13.0+cu126",
        "2.14.1+cu126",
        severity="error",
    ),
    bad(
        "not yet known",
        skew("torch==2.6.0", gpus="rtx 5090"),
        "sm_120",
        "torch==2.7.0+cu128",
        "is not compatible with the current PyTorch installation",
    ),
    bad("code of another major", skew("torch==1.12.1", gpus="a100"), "sm_80", "no kernel image", "torch==1.12.1+cu113"),
    bad("one of several", skew("torch==2.13.0", gpus="t4,v100,l4"), "V100"),
    bad("several, each once", skew("torch==2.13.0", gpus="v100,v100,p100"), "V100", hits=2),
    bad("x86 code for Thor", skew("torch==2.12.0", gpus="thor", platform="linux/amd64"), "Jetson Thor"),
    bad("a cloud machine", skew("torch==2.13.0", gpus="p3.2xlarge"), "V100"),
    bad(
        "the image",
        skew(docker("RUN pip install flask", base="pytorch/pytorch:1.13.1-cuda11.6-cudnn8-runtime"), gpus="h100"),
        "H100",
    ),
    bad(
        "nothing satisfies all",
        skew("torch==2.15.0", gpus="v100", python="3.15"),
        "give up one of these",
        "Python 3.15 leaves torch 2.15.0",
    ),
    bad(
        "uv",
        skew(
            {
                "pyproject.toml": f'[project]\ndependencies = ["torch==2.13.0"]\n[tool.uv.sources]\ntorch = {{ index = "p" }}\n[[tool.uv.index]]\nname = "p"\nurl = "{HOST}/whl/cu130"\nexplicit = true\n'
            },
            gpus="v100",
        ),
        "[[tool.uv.index]]",
        f"{HOST}/whl/cu126",
    ),
    bad(
        "Poetry",
        skew({"pyproject.toml": '[tool.poetry.dependencies]\ntorch = "2.13.0"\n'}, gpus="v100"),
        "poetry source add --priority explicit pytorch-cu126",
    ),
    good("sm_86 code on 8.9", skew("torch==2.13.0", gpus="l4,rtx 4090")),
    good("sm_100 code on 10.3", skew("torch==2.13.0", gpus="b300")),
    good("sm_70 code on 7.5", skew("torch==1.12.1", gpus="t4")),
    good("cu126 on Volta", skew(f"-i {HOST}/whl/cu126\ntorch==2.13.0\n", gpus="v100")),
    good("Thor with its own wheel", skew("torch==2.12.0", gpus="thor")),
    good("no GPU", skew("torch==2.13.0", gpus="")),
    good("a CPU build is said elsewhere", skew(f"-i {HOST}/whl/cpu\ntorch==2.13.0\n", gpus="v100")),
    skipped("no GPU given", skew("torch==2.13.0"), "--gpu"),
    skipped("no such GPU", skew("torch==2.13.0", gpus="banana"), "`banana` is no GPU that is known"),
    skipped("newer than all code", skew("torch==2.13.0", gpus="sm_130"), "newer than the code"),
]
