"""From arguments to the files and folders that are read."""

import os
import pickle
import sys
import time
import zipfile
from pathlib import Path

import pytest

from modeldoctor.errors import UsageError
from modeldoctor.targets import expand

PICKLE = pickle.dumps({"a": 1}, 4)
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"

needs_links = pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege on Windows")


@pytest.fixture(autouse=True)
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(*names: str, content: bytes = PICKLE) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(content)


def found(*paths: str, allow_empty: bool = False) -> list[str]:
    units = expand(paths, allow_empty=allow_empty)
    return [unit.path.replace(os.sep, "/") for unit in units if not unit.project]


def test_a_file_that_is_named_is_a_unit_whatever_it_is() -> None:
    make("notes.txt", content=b"x")
    assert [(unit.path, unit.explicit) for unit in expand(("notes.txt",))] == [("notes.txt", True)]


def test_a_folder_is_walked_files_first_in_order() -> None:
    make("m/b.pt", "m/a.pth", "m/z/c.ckpt", "m/n/d.safetensors", "m/n/E.PT")
    assert found("m") == ["m/a.pth", "m/b.pt", "m/n/E.PT", "m/n/d.safetensors", "m/z/c.ckpt"]
    assert not any(unit.explicit for unit in expand(("m",)))


def test_suspicious_names_are_judged_by_their_bytes() -> None:
    make("m/weights", "m/model.dat", "m/pytorch_model.bin")
    make("m/firmware.bin", "m/README", "m/x.dat", content=b"\x99\x98\0bytes")
    make("m/lfs.bin", "m/lfs.dat", content=LFS)
    assert found("m") == ["m/lfs.bin", "m/model.dat", "m/pytorch_model.bin", "m/weights"]


def test_other_files_are_not_models() -> None:
    make("m/a.py", "m/b.png", "m/c.json", "m/._model.pt")
    make("m/model.pt")
    assert found("m") == ["m/model.pt"]


def test_archives_count_when_a_model_is_inside() -> None:
    make("m/model.pt.gz", content=b"\x1f\x8b\x08" + bytes(20))
    make("m/logs.gz", content=b"\x1f\x8b\x08" + bytes(20))
    for name, member in (("m/data.zip", "a.csv"), ("m/model.zip", "x/model.pth")):
        with zipfile.ZipFile(name, "w") as archive:
            archive.writestr(member, b"x")
    assert found("m") == ["m/model.pt.gz", "m/model.zip"]


@pytest.mark.parametrize("folder", [".git", "node_modules", "__pycache__", ".venv", "venv", "proj/build", "x.egg-info"])
def test_what_holds_no_models_is_skipped(folder: str) -> None:
    make("m/model.pt", f"m/{folder}/x.pt")
    make("m/venv/pyvenv.cfg", "m/.venv/pyvenv.cfg", "m/proj/pyproject.toml", content=b"")
    assert found("m") == ["m/model.pt"]


def test_a_folder_named_build_is_walked_when_nothing_builds_there() -> None:
    make("m/build/model.pt")
    assert found("m") == ["m/build/model.pt"]


def test_a_model_folder_is_one_unit_and_its_shards_are_not_listed() -> None:
    make("m/hf/config.json", "m/hf/model.safetensors.index.json", content=b"{}")
    make("m/hf/model-00001-of-00002.safetensors", "m/hf/model-00002-of-00002.safetensors", "m/hf/training_args.bin")
    make("m/hf/checkpoint-10/config.json", content=b"{}")
    make("m/hf/checkpoint-10/pytorch_model.bin", "m/hf/archive.mar")
    assert found("m") == ["m/hf", "m/hf/archive.mar", "m/hf/checkpoint-10"]


def test_a_pipeline_is_one_unit_with_all_its_folders() -> None:
    make("m/sd/model_index.json", "m/sd/unet/config.json", content=b"{}")
    make("m/sd/unet/diffusion_pytorch_model.safetensors", "m/other.pt")
    assert found("m") == ["m/other.pt", "m/sd"]


def test_a_model_folder_that_is_named_is_explicit() -> None:
    make("hf/config.json", content=b"{}")
    make("hf/model.safetensors")
    assert [(unit.path, unit.explicit) for unit in expand(("hf",))] == [("hf", True)]


def test_each_file_once() -> None:
    make("m/a.pt")
    assert found("m/a.pt", "m", "./m/a.pt", "m/*.pt") == ["m/a.pt"]


def test_globs_that_the_shell_did_not_expand() -> None:
    make("m/a.pt", "m/b.pth", "m/n/c.pt", "m/n/deep/d.pt", "m/.hidden.pt")
    assert found("m/*.pt") == ["m/a.pt"]
    assert found("m/**/*.pt") == ["m/a.pt", "m/n/c.pt", "m/n/deep/d.pt"]
    assert found("**/deep/*.pt") == ["m/n/deep/d.pt"]
    assert found("m/**/n/**/?.pt") == ["m/n/c.pt", "m/n/deep/d.pt"]
    assert found("m/**") == ["m/.hidden.pt", "m/a.pt", "m/b.pth", "m/n/c.pt", "m/n/deep/d.pt"]
    assert found("m/n*") == ["m/n/c.pt", "m/n/deep/d.pt"]


def test_a_file_whose_name_looks_like_a_glob() -> None:
    make("a[1].pt", "a1.pt")
    assert found("a[1].pt") == ["a[1].pt"]


@pytest.mark.parametrize("pattern", ["nothing/*.pt", "m/*.onnx", "**/*.onnx", "none/**"])
def test_a_glob_that_matches_nothing(pattern: str) -> None:
    make("m/a.pt")
    with pytest.raises(UsageError, match="allow-empty"):
        found(pattern)
    assert found(pattern, allow_empty=True) == []


def test_an_empty_folder() -> None:
    make("m/README.md", content=b"x")
    with pytest.raises(UsageError, match="no model file in `m`"):
        found("m")
    assert found("m", allow_empty=True) == []


def test_what_is_missing_is_said_after_what_is_there_was_read() -> None:
    make("a.pt")
    units = expand(("nope.pt", "a.pt", "gone.pt"))
    assert next(units).path == "a.pt"
    with pytest.raises(UsageError, match=r"no such file or folder: `nope\.pt`; no such file or folder: `gone\.pt`"):
        next(units)
    with pytest.raises(UsageError):
        found("nope.pt", allow_empty=True)


@needs_links
def test_links_in_circles_end() -> None:
    make("m/a/x.pt")
    Path("m/a/up").symlink_to(Path("m").absolute())
    Path("m/a/self").symlink_to(Path("m/a").absolute())
    assert found("m") == ["m/a/x.pt"]
    assert found("m/**/*.pt") == ["m/a/x.pt"]


@needs_links
def test_a_link_that_points_nowhere_is_a_unit() -> None:
    Path("gone.pt").symlink_to("nowhere.pt")
    assert found("gone.pt") == ["gone.pt"]


@needs_links
def test_the_cache_of_the_hub_is_read_by_the_names_of_its_snapshots() -> None:
    make("models--x/blobs/abc")
    Path("models--x/refs").mkdir()
    Path("models--x/snapshots/1").mkdir(parents=True)
    Path("models--x/snapshots/1/model.bin").symlink_to(Path("models--x/blobs/abc").absolute())
    assert found("models--x") == ["models--x/snapshots/1/model.bin"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_opened() -> None:
    make("m/a.pt")
    os.mkfifo("m/pipe")
    assert found("m") == ["m/a.pt"]


def test_five_hundred_files_take_no_time() -> None:
    for index in range(500):
        make(f"m/{index % 10}/{index}.pt", content=b"")
    before = time.process_time()
    assert len(found("m")) == 500
    assert time.process_time() - before < 1


def test_the_dockerfile_of_an_onnx_image_is_no_model() -> None:
    make("m/Dockerfile.onnx", content=b"FROM python:3.12\n")
    assert found("m") == []
    assert [unit.project for unit in expand(("m/Dockerfile.onnx",))] == [True]
