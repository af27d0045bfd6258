import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from packaging.version import Version

SCRIPTS = Path(__file__).parent.parent / "scripts"

pytestmark = pytest.mark.skipif(not SCRIPTS.is_dir(), reason="the scripts are not part of a source distribution")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wheel(folder: Path, python: str) -> Path:
    path = folder / f"torch-2.16.0-{python}-{python}-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(
            "torch-2.16.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: torch\nVersion: 2.16.0\nRequires-Python: >=3.11\n"
            "Requires-Dist: triton~=3.10.0; platform_system == 'Linux'\nRequires-Dist: nvidia-cudnn-cu13==9.30.0.1\n"
            "Requires-Dist: setuptools>=77.0.3\nRequires-Dist: typing-extensions\n",
        )
        file.writestr(
            "torch/version.py",
            "from typing import Optional\n__version__ = '2.16.0+cu132'\ncuda: Optional[str] = '13.2'\ngit_version = 'abc'\n",
        )
        file.writestr("torch/utils/cpp_extension.py", "import pkg_resources\n")
        library = b"\\0sm_75 sm_80 sm_120 compute_120\\0GLIBC_2.17\\0GLIBC_2.28\\0numpy._core\\0__cxx1112basic_string"
        file.writestr("torch/lib/libtorch_python.so", library)
    return path


def test_a_wheel_is_read_without_running_it(tmp_path) -> None:
    wheels = [str(wheel(tmp_path, python)) for python in ("cp312", "cp311", "cp314t")]
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "read_torch_wheel.py"), *wheels], capture_output=True, text=True, check=True
    )
    for line in (
        "- version: 2.16.0",
        "  default_cuda: 13.2",
        "  python: ['3.11', '3.12', '3.14t']",
        "  linux_x86_64_tag: manylinux_2_28",
        "  default_wheel_sm: [75, 80, 120]",
        "  ptx: [120]",
        "  glibc_min_measured: GLIBC_2.28",
        "  cxx11_abi: true",
        "  numpy2_ok: true",
        "  triton: ~=3.10.0",
        "  cudnn: 9.30.0.1",
        "  setuptools: >=77.0.3",
        "  typing_extensions: any",
        "  cpp_extension_imports_pkg_resources: true",
    ):
        assert line in done.stdout.splitlines()


def test_missing_releases_are_named() -> None:
    compare = script("compare_tables")
    listed = [Version(text) for text in ("1.0", "1.1", "1.2", "1.3")]
    assert compare.missing(["1.1", "1.2"], listed) == ["1.3"]
    assert compare.missing([], listed) == []
    assert compare.parsed("2.0rc1") is None
    assert compare.parsed("2.13.0+cpu") is None
