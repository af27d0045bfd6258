from tests.rules.builders import bad, good
from tests.rules.projects import HOST, docker, skew

CASES = [
    bad(
        "an index for one of them",
        skew(
            docker(
                f"RUN pip install torch==2.1.0 --index-url {HOST}/whl/cpu",
                "RUN pip install torchvision==0.16.0",
                base="python:3.10",
            )
        ),
        "torchvision 0.16.0+cu121 is another build than torch 2.1.0+cpu",
        "torchvision==0.16.0+cpu",
        severity="error",
    ),
    bad(
        "two local versions",
        skew(f"-f {HOST}/whl/torch_stable.html\ntorch==2.1.0+cu118\ntorchvision==0.16.0+cu121\n"),
        "cu121",
    ),
    bad(
        "a uv source for torch only",
        skew(
            {
                "pyproject.toml": f'[project]\ndependencies = ["torch==2.6.0", "torchvision==0.21.0"]\n[tool.uv.sources]\ntorch = {{ index = "cpu" }}\n[[tool.uv.index]]\nname = "cpu"\nurl = "{HOST}/whl/cpu"\nexplicit = true\n'
            }
        ),
        "torchvision 0.21.0+cu124",
    ),
    good("one index for both", skew(f"-i {HOST}/whl/cpu\ntorch==2.1.0\ntorchvision==0.16.0\n")),
    good(
        "an extra index serves both", skew(f"--extra-index-url {HOST}/whl/cpu\ntorch==2.1.0+cpu\ntorchvision==0.16.0\n")
    ),
    good("the default registry", skew("torch==2.1.0\ntorchvision==0.16.0\n")),
    good(
        "another version is said elsewhere",
        skew(f"-f {HOST}/whl/torch_stable.html\ntorch==2.1.0+cu118\ntorchvision==0.15.2+cu117\n"),
    ),
    good(
        "one wheel for all builds",
        skew(f"--extra-index-url {HOST}/whl/cu126\ntorch==2.14.1+cu126\ntorchvision==0.29.2\n"),
    ),
    bad(
        "the last torchaudio and the newest torch",
        skew("torch==2.15.0\ntorchaudio==2.11.0\n"),
        "torchaudio 2.11.0+cu130 is another build than torch 2.15.0+cu132",
        "compiled with different CUDA versions",
        "`torch==2.14.1+cu130`",
    ),
    bad(
        "torchvision without CUDA operators",
        skew(docker("RUN pip install torch==2.6.0", f"RUN pip install torchvision==0.21.0 --index-url {HOST}/whl/cpu")),
        "'CUDA' backend",
        severity="warning",
    ),
    good("torchvision from 0.16 on only minds the major", skew("torch==2.14.1\ntorchvision==0.29.2\n")),
    good(
        "torchvision 0.2 is plain Python",
        skew(f"-f {HOST}/whl/torch_stable.html\ntorch==1.0.1+cpu\ntorchvision==0.2.2\n"),
    ),
]
