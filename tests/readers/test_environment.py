import os
import sys
from pathlib import Path

import pytest

from modeldoctor.errors import UsageError
from modeldoctor.readers.environment import active_environment, read_interpreter


def make(prefix: Path, packages: dict[str, str], torch: str = "", cuda: str = "None", python: str = "3.10") -> Path:
    folder = prefix / "lib" / f"python{python}" / "site-packages"
    for name, version in packages.items():
        (folder / f"{name}-{version}.dist-info").mkdir(parents=True)
    if torch:
        (folder / "torch").mkdir(parents=True)
        (folder / "torch" / "version.py").write_text(
            f"from typing import Optional\n__version__ = '{torch}'\ndebug = False\ncuda: Optional[str] = {cuda}\nhip: Optional[str] = None\n"
        )
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "python").write_text("")
    (prefix / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion = {python}.7\n")
    return prefix


def test_an_interpreter_is_read_and_not_run(tmp_path) -> None:
    prefix = make(tmp_path / "env", {"torch": "2.6.0", "numpy": "1.26.4", "Flask_Cors": "4.0"}, "2.6.0+cu124", "'12.4'")
    found = read_interpreter(str(prefix / "bin" / "python"))
    assert (found.python, found.torch, found.cuda, found.kind) == ("3.10.7", "2.6.0+cu124", "12.4", "interpreter")
    assert found.version("numpy") == "1.26.4"
    assert found.version("flask-cors") == "4.0"
    assert found.version("nothing") == ""


def test_a_cpu_build(tmp_path) -> None:
    assert read_interpreter(str(make(tmp_path / "env", {}, "2.6.0+cpu"))).cuda == "cpu"


def test_conda(tmp_path) -> None:
    (tmp_path / "conda-meta").mkdir()
    for name in ("pytorch-2.1.0-py3.10_cuda11.8_cudnn8.7.0_0", "python-3.10.13-h1_0_cpython", "numpy-1.26.4-py310_0"):
        (tmp_path / "conda-meta" / f"{name}.json").write_text("{}")
    found = read_interpreter(str(tmp_path))
    assert (found.python, found.torch, found.version("numpy")) == ("3.10.13", "2.1.0", "1.26.4")


def test_what_is_no_environment(tmp_path) -> None:
    with pytest.raises(UsageError, match="no such interpreter"):
        read_interpreter(str(tmp_path / "nothing"))
    (tmp_path / "python").write_text("")
    with pytest.raises(UsageError, match="no Python environment"):
        read_interpreter(str(tmp_path / "python"))


def test_the_active_environment(tmp_path) -> None:
    one = make(tmp_path / "one", {"torch": "2.1.0"})
    make(tmp_path / "project" / ".venv", {"torch": "2.2.0"})
    folder = str(tmp_path / "project")
    assert active_environment(folder, {"VIRTUAL_ENV": str(one)}).torch == "2.1.0"
    assert active_environment(folder, {"CONDA_PREFIX": str(one)}).kind == "conda"
    assert active_environment(folder, {}).torch == "2.2.0"
    assert active_environment(str(tmp_path), {}) is None


def test_the_environment_of_this_tool_is_never_the_target(tmp_path) -> None:
    assert active_environment(str(tmp_path), {"VIRTUAL_ENV": sys.prefix}) is None
    os.symlink(sys.prefix, tmp_path / ".venv")
    assert active_environment(str(tmp_path), {}) is None


def test_hostile_files_are_survived(tmp_path) -> None:
    prefix = make(tmp_path / "env", {"torch": "2.6.0"})
    folder = prefix / "lib" / "python3.10" / "site-packages" / "torch"
    folder.mkdir()
    (folder / "version.py").write_bytes(b"\xff\xfe\0" * 100_000)
    (prefix / "pyvenv.cfg").write_bytes(b"\xff" * 1000)
    found = read_interpreter(str(prefix))
    assert (found.python, found.torch) == ("3.10", "2.6.0")
