from tests.rules.builders import bad, good
from tests.rules.projects import docker, skew

CASES = [
    bad(
        "in pyproject.toml",
        skew({"pyproject.toml": '[project]\ndependencies = ["torch==2.9.1"]\n[tool.uv.pip]\ntorch-backend = "auto"\n'}),
        "likely the CPU build",
        "pyproject.toml",
        severity="info",
    ),
    bad(
        "on the command line",
        skew(docker("RUN uv pip install --system torch==2.9.1 --torch-backend=auto")),
        "Dockerfile",
        severity="info",
    ),
    bad(
        "in the environment",
        skew(docker("ENV UV_TORCH_BACKEND=auto", "RUN uv pip install --system torch==2.9.1")),
        "torch-backend",
    ),
    bad(
        "a GPU is asked for",
        skew(docker("RUN uv pip install --system torch==2.9.1 --torch-backend=auto"), gpus="t4"),
        "t4",
        severity="warning",
    ),
    good("named", skew(docker("RUN uv pip install --system torch==2.9.1 --torch-backend=cu128"))),
    good("not given", skew(docker("RUN uv pip install --system torch==2.9.1"))),
    good("pip does not read it", skew(docker("ENV UV_TORCH_BACKEND=auto", "RUN pip install torch==2.9.1"))),
]
