from tests.rules.builders import bad, good
from tests.rules.projects import HOST, docker, skew

CASES = [
    bad(
        "the index has no such release",
        skew(docker(f"RUN pip install torch==2.6.0 --index-url {HOST}/whl/cu130")),
        "no torch 2.6.0 in the cu130 index",
        "cpu, cu118, cu124, cu126",
        "with cu130: torch 2.9.0",
        severity="error",
    ),
    bad(
        "a local version that never was",
        skew(f"--extra-index-url {HOST}/whl/cu118\ntorch==2.8.0+cu118\n"),
        "no torch 2.8.0 in the cu118 index",
        "torch 2.7.1",
    ),
    bad(
        "a local version without an index",
        skew(docker("RUN pip install torch==2.6.0+cu124")),
        "no index is given",
        "--extra-index-url",
        severity="error",
    ),
    bad("the same in a file", skew("torch==1.9.1+cu111\n"), "`torch==1.9.1+cu111`"),
    bad(
        "an extra index without effect",
        skew(f"--extra-index-url {HOST}/whl/cu118\ntorch==2.8.0\n"),
        "the cu118 index has no torch 2.8.0",
        "cu128",
        severity="warning",
    ),
    bad("a local version from another index", skew(f"-i {HOST}/whl/cpu\ntorch==2.1.0+cu118\n"), "cpu index"),
    good("the right index", skew(f"-i {HOST}/whl/cu118\ntorch==2.1.0\n")),
    good("the page with all builds", skew(f"-f {HOST}/whl/torch_stable.html\ntorch==1.9.1+cu111\n")),
    good("no index at all", skew(docker("RUN pip install torch==2.13.0"))),
    good(
        "a private index is never asked", skew("--extra-index-url https://nexus.example/simple\ntorch==2.6.0+cu124\n")
    ),
    good("a build that may exist", skew(f"-i {HOST}/whl/cu126\ntorch==2.15.0\n")),
    good("a lock is a result", skew({"poetry.lock": '[[package]]\nname = "torch"\nversion = "1.9.1+cu111"\n'})),
    good("a wheel by its URL", skew(f"torch @ {HOST}/whl/cu121/torch-2.4.1%2Bcu121-cp310-cp310-linux_x86_64.whl\n")),
    bad(
        "an open requirement and an old extra index",
        skew(f"--extra-index-url {HOST}/whl/cu113\ntorch>=1.7\n"),
        "the cu113 index has no torch 2.15.0, so pip takes the default build cu132",
        "`torch==1.12.1+cu113`",
        severity="warning",
    ),
    good(
        "the image has a torch of its own",
        skew(
            docker(
                f"RUN pip install 'torch>=1.7' --extra-index-url {HOST}/whl/cu113",
                base="nvcr.io/nvidia/pytorch:22.07-py3",
            )
        ),
    ),
    good("an extra index that has the newest", skew(f"--extra-index-url {HOST}/whl/cpu\ntorch>=1.7\n")),
]
