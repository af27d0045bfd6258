from tests.rules.builders import bad, good
from tests.rules.projects import HOST, docker, skew

CASES = [
    bad(
        "the CPU index and a GPU",
        skew(f"-i {HOST}/whl/cpu\ntorch==2.9.1\n", gpus="t4"),
        "torch 2.9.1+cpu cannot use a GPU",
        "`--gpu` asks for t4",
        "torch==2.9.1",
        severity="warning",
    ),
    bad(
        "the CPU index on a CUDA image",
        skew(
            docker(
                f"RUN pip install torch==2.9.1 --index-url {HOST}/whl/cpu", base="nvidia/cuda:12.8.1-base-ubuntu24.04"
            )
        ),
        "the image has CUDA 12.8",
    ),
    bad(
        "the default of Windows",
        skew("torch==2.9.1", gpus="rtx 3060", platform="windows"),
        "default wheel for windows x86_64 is a CPU build",
    ),
    bad("the default of aarch64 before 2.11", skew("torch==2.10.0", gpus="gh200"), "default wheel for linux aarch64"),
    bad(
        "cpuonly",
        skew({"environment.yml": "dependencies:\n- pytorch==2.1.0\n- cpuonly\n"}, gpus="t4"),
        "cannot use a GPU",
    ),
    good("no GPU asked for", skew(f"-i {HOST}/whl/cpu\ntorch==2.9.1\n")),
    good(
        "a host without one",
        skew(
            docker(
                f"RUN pip install torch==2.9.1 --index-url {HOST}/whl/cpu", base="nvidia/cuda:12.8.1-base-ubuntu24.04"
            ),
            gpus="",
        ),
    ),
    good("aarch64 from 2.11 on", skew("torch==2.11.0", gpus="gh200")),
    good("a CUDA wheel on a plain image", skew(docker("RUN pip install torch==2.9.1"), gpus="t4")),
]
