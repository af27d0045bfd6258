from tests.rules.builders import bad, good
from tests.rules.projects import docker, skew

CASES = [
    bad(
        "no version",
        skew("torch\nflask\n"),
        "`torch` is not pinned: today it is torch 2.15.0+cu132",
        "580.65.06",
        "sm_75",
        "2026-11-20",
        severity="info",
    ),
    bad(
        "a lower bound",
        skew(docker("RUN pip install 'torch>=2.0' torchvision")),
        "`torch>=2.0`",
        "left open too: torchvision",
    ),
    bad("the Python limits it", skew("torch\n", python="3.9"), "torch 2.8.0"),
    good("pinned", skew("torch==2.6.0\n")),
    good("bounded", skew("torch>=2.1,<2.2\n")),
    good("a companion decides", skew("torch\ntorchvision==0.21.0\n")),
    good(
        "a lock",
        skew(
            {
                "uv.lock": '[[package]]\nname = "torch"\nversion = "2.6.0"\n',
                "pyproject.toml": '[project]\ndependencies = ["torch"]\n',
            }
        ),
    ),
    good(
        "the image has one",
        skew(docker("RUN pip install torch flask", base="pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime")),
    ),
    good("only for the tests", skew({"tests/requirements.txt": "torch\n"})),
]
