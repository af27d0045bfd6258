"""What a project says about `torch.load` besides its arguments, in files of any kind."""

from pathlib import Path

import pytest

from modeldoctor.readers.project.loading_mode import FORCE_OFF, FORCE_ON, Modes, read_modes


def modes(folder: Path, **environ: str) -> Modes:
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return read_modes(str(folder), files, "shop", environ)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Dockerfile", f"FROM x\nENV {FORCE_OFF}=yes\n"),
        ("Dockerfile.gpu", f"FROM x\nENV {FORCE_OFF} 1\n"),
        ("compose.yml", f"environment:\n  - {FORCE_OFF}=1\n"),
        ("compose.yaml", f"environment:\n  {FORCE_OFF}: 'True'\n"),
        ("k8s.yaml", f'apiVersion: v1\nenv:\n  - name: {FORCE_OFF}\n    value: "1"\n'),
        (".env", f"{FORCE_OFF}=1\n"),
        ("start.sh", f"export {FORCE_OFF}=1\n"),
        ("web.service", f"[Service]\nEnvironment={FORCE_OFF}=1\n"),
        ("app.py", f"import os\nos.environ.setdefault('{FORCE_OFF}', '1')\n"),
    ],
)
def test_where_a_variable_is_set(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    found = modes(tmp_path).forced
    assert set(found) == {FORCE_OFF}
    assert found[FORCE_OFF].source.startswith(f"shop/{name}:")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("app.py", f"import os\nif os.environ.get('{FORCE_OFF}', '1') == '1':\n    pass\n"),
        ("README.md", f"set {FORCE_OFF}=1\n"),
        ("Dockerfile", f"FROM x\n# ENV {FORCE_OFF}=1\nENV {FORCE_OFF}=off\n"),
        (".github/workflows/ci.yml", f"env:\n  {FORCE_OFF}: 1\n"),
        ("tests/test_app.py", f"import os\nos.environ['{FORCE_OFF}'] = '1'\n"),
    ],
)
def test_where_it_is_not(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)
    assert modes(tmp_path).forced == {}


def test_the_shell_yields_to_the_project(tmp_path: Path) -> None:
    assert modes(tmp_path, **{FORCE_ON: "1"}).forced[FORCE_ON].source == "the shell's environment"
    (tmp_path / "Dockerfile").write_text(f"ENV {FORCE_ON}=0\n")
    assert modes(tmp_path, **{FORCE_ON: "1"}).forced == {}


def test_allowed_names_are_those_of_the_pickle(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "load.py").write_text(
        "import torch, numpy as np\nfrom .nets import Net as N\nfrom . import heads\nclass Own: ...\n"
        "SAFE = [N, heads.Head, Own, np.dtype, (Own, 'old.place.Own')]\n"
        "torch.serialization.add_safe_globals(SAFE)\nwith torch.serialization.safe_globals([type(3)]):\n    pass\n"
    )
    assert modes(tmp_path).allowed == (
        "shop.nets.Net", "shop.heads.Head", "shop.load.Own", "numpy.dtype", "old.place.Own", "*",
    )  # fmt: skip


def test_hostile_files_are_survived(tmp_path: Path) -> None:
    (tmp_path / "deep.py").write_text("torch.load = " + "(" * 5_000 + ")" * 5_000)
    (tmp_path / "broken.py").write_bytes(b"safe_globals(\xff\x00")
    (tmp_path / "wide.py").write_text("safe_globals([" + "a," * 200_000 + "])")
    (tmp_path / "Dockerfile").write_text(f"{FORCE_OFF} " * 50_000)
    assert modes(tmp_path).replaced is None
