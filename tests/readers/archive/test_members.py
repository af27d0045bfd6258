"""Members as the server unpacks them, from good and hostile containers."""

import io
import os
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from modeldoctor.readers.archive import read_archive
from modeldoctor.readers.archive.members import open_members
from tests.rules.archives import ECHO, ROOT, fixtures, mar, weights


def packed(folder: Path, **files: bytes) -> Path:
    path = folder / "m.mar"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_of_two_members_with_one_place_the_later_stays(tmp_path: Path) -> None:
    path = tmp_path / "m.mar"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/../x", b"first")
        archive.writestr("x", b"second")
    members = open_members(str(path))
    assert members.read("x", 100) == b"second"
    members.close()


def test_a_descriptor_behind_a_deflated_member(tmp_path: Path) -> None:
    path = tmp_path / "m.mar"
    stream = io.BytesIO()

    class Unseekable(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:
            return stream.write(data)

    with zipfile.ZipFile(Unseekable(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", b"x" * 5000)
        archive.writestr("b.txt", b"y" * 10)
    path.write_bytes(stream.getvalue())
    members = open_members(str(path))
    assert members.sizes == {"a.txt": 5000, "b.txt": 10}
    assert members.refused is None
    assert members.read("b.txt", 100) == b"y" * 10
    members.close()


def test_a_stored_member_with_a_descriptor_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path, a=b"x")
    data = bytearray(path.read_bytes())
    data[6] |= 8
    data[8:10] = b"\0\0"
    path.write_bytes(data)
    members = open_members(str(path))
    assert members.refused is not None
    assert members.refused.kind == "stored-descriptor"
    members.close()


def test_a_gap_ends_the_stream(tmp_path: Path) -> None:
    first, second = packed(tmp_path, a=b"1").read_bytes(), packed(tmp_path, b=b"2").read_bytes()
    one, two = first[: first.find(b"PK\1\2")], second[: second.find(b"PK\1\2")]
    path = tmp_path / "gap.mar"
    path.write_bytes(one + b"junk" + two)
    members = open_members(str(path))
    assert list(members.sizes) == ["a"]
    members.close()


def test_links_in_a_tar_are_empty_files() -> None:
    archive = read_archive(str(ROOT / "fixtures/archives/tar_linked_handler.tar.gz"), "m.tar.gz")
    assert archive.members["handler.py"] == 0
    assert [problem.kind for problem in archive.problems] == ["link"]


def test_devices_in_a_tar_are_no_members(tmp_path: Path) -> None:
    path = tmp_path / "m.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("m/dev")
        info.type = tarfile.CHRTYPE
        archive.addfile(info)
    assert read_archive(str(path), "m.tar.gz").members == {}


def test_a_folder_below_the_folder(tmp_path: Path) -> None:
    inner = tmp_path / "model" / "1"
    (inner / "MAR-INF").mkdir(parents=True)
    (inner / "handler.py").write_bytes(ECHO)
    assert set(read_archive(str(tmp_path / "model"), "model").members) == {"handler.py"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_and_links_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "MAR-INF").mkdir()
    (tmp_path / "MAR-INF" / "MANIFEST.json").write_text('{"model": {"modelName": "m", "handler": "handler.py"}}')
    os.mkfifo(tmp_path / "handler.py")
    (tmp_path / "round").symlink_to(tmp_path)
    archive = read_archive(str(tmp_path), "m")
    assert archive.modules[0].name == "handler"
    assert any(problem.member == "handler.py" for problem in archive.problems)


def test_a_bomb_is_named_and_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "m.mar"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("zeros.bin", "w", force_zip64=True) as member:
            for _ in range(1100):
                member.write(bytes(1 << 20))
        archive.writestr("handler.py", ECHO)
    started = time.perf_counter()
    archive_ = read_archive(str(path), "m.mar")
    assert "bomb" in {problem.kind for problem in archive_.problems}
    assert time.perf_counter() - started < 5


def test_a_large_compressed_model_is_read_by_its_head(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "m.mar"
    held = io.BytesIO()
    torch.save({"fc.weight": torch.zeros(2, 4), "pad": torch.randn(3 << 20)}, held)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("model.pth", held.getvalue())
    (part,) = read_archive(str(path), "m.mar").parts
    assert (part.state, part.size_bytes, part.problems) == ("understood", len(held.getvalue()), ())
    assert [tensor.path for tensor in part.tensors] == ["fc.weight", "pad"]


def test_places_in_models_lead_from_the_archive(tmp_path: Path) -> None:
    path = mar({"model.pth": weights()})(tmp_path)
    archive = read_archive(str(path), "m.mar")
    (part,) = archive.parts
    assert (part.path, part.member) == ("m.mar", "model.pth")
    assert part.pickles[0].member == "model.pth!net/data.pkl"
    assert archive.part("model.pth").pickles[0].member == "net/data.pkl"


@pytest.mark.parametrize("seed", range(40))
def test_damaged_archives_never_raise(seed: int, tmp_path: Path) -> None:
    import random

    shuffled = random.Random(seed)
    data = bytearray(fixtures.eager(weights()))
    for _ in range(shuffled.choice([1, 4, 30])):
        data[shuffled.randrange(len(data))] = shuffled.randrange(256)
    path = tmp_path / "m.mar"
    path.write_bytes(data[: shuffled.randrange(len(data))] if seed % 4 == 0 else data)
    assert read_archive(str(path), "m.mar").path == "m.mar"


def test_files_that_only_look_like_models_by_name(tmp_path: Path) -> None:
    path = mar({"vocab.bin": b"\1\2\3", "cache.pkl": b"not a pickle", "broken.pt": b"x"})(tmp_path)
    assert [name for name, _ in read_archive(str(path), "m.mar").models] == ["broken.pt"]
