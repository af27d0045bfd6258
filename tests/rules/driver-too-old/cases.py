from tests.rules.builders import bad, good, skipped
from tests.rules.projects import HOST, docker, skew

CASES = [
    bad(
        "the default wheel since 2.11",
        skew("torch==2.13.0", gpus="t4", driver="535"),
        "driver 535 is too old",
        "CUDA 13.0 needs 580.65.06",
        "torch==2.13.0+cu126",
        "found version 12020",
        severity="error",
    ),
    bad("not pinned", skew("torch\n", gpus="t4", driver="550.54.15"), "torch==2.14.1+cu126"),
    bad("no GPU given", skew("torch==2.11.0", driver="570"), "CUDA 13.0"),
    bad("an old toolkit has its own floor", skew("torch==1.9.0", driver="418.39"), "440.33"),
    bad("Windows", skew(f"-i {HOST}/whl/cu121\ntorch==2.4.0\n", driver="516.01", platform="windows"), "527.41"),
    bad(
        "no other release fits",
        skew("torch==2.15.0", python="3.15", driver="535"),
        "update the driver to 580.65.06 or newer",
    ),
    bad(
        "forward compatibility may help",
        skew(
            docker("RUN pip install torch==2.13.0", base="nvidia/cuda:13.0.1-base-ubuntu24.04"), gpus="t4", driver="535"
        ),
        "may still run",
        severity="warning",
    ),
    good("minor-version compatibility", skew("torch==2.6.0", gpus="t4", driver="535.104")),
    good("a new driver", skew("torch==2.15.0", driver="610")),
    good("a driver newer than every table", skew("torch==2.15.0", driver="999.1")),
    good("the floor itself", skew("torch==2.13.0", driver="580.65.06")),
    good("the branch of the floor", skew("torch==2.13.0", driver="580")),
    good("a CPU build", skew(f"-i {HOST}/whl/cpu\ntorch==2.13.0\n", driver="470")),
    good("another variant", skew(f"-i {HOST}/whl/cu126\ntorch==2.13.0\n", driver="535")),
    good("no torch", skew("flask\n", driver="470")),
    skipped("no driver given", skew("torch==2.13.0"), "--driver"),
    skipped(
        "a build that is not known",
        skew({"environment.yml": "dependencies:\n- pytorch==2.1.0\n"}, driver="535"),
        "not known",
    ),
]
