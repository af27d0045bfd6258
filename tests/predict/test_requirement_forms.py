"""How real projects say which torch build they want, and what each means. The host of an index does not matter."""

import pytest

from modeldoctor.facts.environment import Target
from modeldoctor.predict.compat_resolve import resolve
from tests.readers.project.texts import project

HOST = "https://mirror.example"

UV = f"""[project]
dependencies = ["torch>=2.6", "torchvision"]
[project.optional-dependencies]
cu124 = ["torch"]
[tool.uv.sources]
torch = [{{ index = "pytorch-cpu", marker = "sys_platform != 'linux'" }}, {{ index = "pytorch-cu124", marker = "sys_platform == 'linux'" }}]
torchvision = [{{ index = "pytorch-cu124", marker = "sys_platform == 'linux'" }}]
[[tool.uv.index]]
name = "pytorch-cpu"
url = "{HOST}/whl/cpu"
explicit = true
[[tool.uv.index]]
name = "pytorch-cu124"
url = "{HOST}/whl/cu124"
explicit = true
"""
POETRY = f"""[tool.poetry.dependencies]
python = "^3.10"
torch = {{version = "^2.2.0+cu121", source = "pytorch-cu"}}
[[tool.poetry.source]]
name = "pytorch-cu"
url = "{HOST}/whl/cu121"
priority = "explicit"
"""

# form, files, torch release, build, certain
FORMS = [
    ("extra index, local version, marker", {"requirements.txt": f"--extra-index-url {HOST}/whl/cu118\ntorch==2.4.0+cu118; sys_platform == 'linux'\n"}, "2.4.0", "cu118", True),
    ("find-links page", {"requirements.txt": f"--find-links {HOST}/whl/torch_stable.html\ntorch==1.8.1+cu101\n"}, "1.8.1", "cu101", True),
    ("ROCm index", {"requirements.txt": f"--index-url {HOST}/whl/rocm6.2\ntorch==2.5.1+rocm6.2\n"}, "2.5.1", "rocm6.2", True),
    ("shell pip, find-links, ===", {"install.sh": f"pip install torch==1.8.1+cu111 torchvision==0.9.1+cu111 torchaudio===0.8.1 -f {HOST}/whl/torch_stable.html\n"}, "1.8.1", "cu111", True),
    ("shell pip, index, no local version", {"install_cu118.sh": f"pip install torch==2.1.2 torchvision==0.16.2 torchaudio==2.1.2 --index-url {HOST}/whl/cu118\n"}, "2.1.2", "cu118", True),
    ("CPU index, unpinned", {"setup.sh": f"pip install --no-cache-dir torch torchvision --index-url {HOST}/whl/cpu\n"}, "2.15.0", "cpu", False),
    ("conda pytorch-cuda", {"install.sh": "conda install pytorch==2.0.0 torchvision==0.15.0 torchaudio==2.0.0 pytorch-cuda=11.7 -c pytorch -c nvidia\n"}, "2.0.0", "cu117", True),
    ("mamba, toolkit label and cudatoolkit", {"install.sh": "mamba install pytorch pytorch-cuda=11.8 -c pytorch -c nvidia\nmamba install cudatoolkit=11.8\n"}, "", "cu118", False),
    ("LTS find-links", {"init_setup_linux.sh": f"pip install torch==1.8.2+cu111 -f {HOST}/whl/lts/1.8/torch_lts.html\n"}, "1.8.2", "cu111", True),
    ("conda and pip for the same build", {"install.sh": f"conda install pytorch-cuda=12.1 -c nvidia\npip install torch==2.3.0 --index-url {HOST}/whl/cu121\n"}, "2.3.0", "cu121", True),
    ("direct wheel URL", {"requirements.txt": f"{HOST}/whl/cu121/torch-2.4.1%2Bcu121-cp310-cp310-linux_x86_64.whl\n"}, "2.4.1", "cu121", True),
    ("local version and index", {"install_torch-cuda.sh": f"pip install torch==2.7.1+cu126 --index-url {HOST}/whl/cu126\n"}, "2.7.1", "cu126", True),
    ("uv sources and indexes", {"pyproject.toml": UV}, "2.6.0", "cu124", False),
    ("Poetry explicit source", {"pyproject.toml": POETRY}, "2.5.1", "cu121", False),
    ("uv torch-backend", {"install_dep.sh": "uv pip install vllm torch --torch-backend=auto\n"}, "2.15.0", "", False),
    ("base image replaced by requirements", {"Dockerfile": "FROM pytorch/pytorch:1.13.1-cuda11.6-cudnn8-runtime\nRUN pip install -r requirements.txt\nCMD gunicorn\n", "requirements.txt": "flask\ntorch==2.0.1\n"}, "2.0.1", "cu117", True),
    ("base image stays", {"Dockerfile": "FROM pytorch/pytorch:1.13.1-cuda11.6-cudnn8-runtime\nRUN pip install flask timm\nCMD flask run\n"}, "1.13.1", "cu116", True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "release", "build", "certain"), [row[1:] for row in FORMS], ids=[row[0] for row in FORMS]
)
def test_form(files: dict[str, str], release: str, build: str, certain: bool) -> None:
    torch = resolve(project(**files).main, Target()).torch
    assert (torch.version, torch.variant, torch.certain) == (release, build, certain)


def test_no_form_is_reported_as_impossible() -> None:
    for row in FORMS:
        clashes = resolve(project(**row[1]).main, Target()).clashes
        assert [clash.kind for clash in clashes if clash.kind != "replaced"] == [], row[0]
