import io
import pickle
import struct
import zipfile

import pytest
import torch

from modeldoctor.readers.checkpoint import read_checkpoint, read_source
from modeldoctor.storage import Memory

STATE = {"layer.weight": torch.arange(6.0).reshape(2, 3), "layer.bias": torch.ones(2)}


def saved(value=STATE, **options):
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def members(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def packed(entries, method=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in entries.items() if isinstance(entries, dict) else entries:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return buffer.getvalue()


def edited(edit, method=zipfile.ZIP_STORED):
    """A checkpoint of torch, taken apart, edited, and zipped again."""
    entries = members(saved())
    edit(entries)
    return packed(entries, method)


def read(data, name="model.pt"):
    return read_source(Memory(data), name, name)


def kinds(checkpoint):
    return [problem.kind for problem in checkpoint.problems]


class Canary:
    """Unpickling it would raise."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('executed')",))


def test_state_dict_as_torch_writes_it(tmp_path):
    path = tmp_path / "resnet.pt"
    torch.save(STATE, path)
    checkpoint = read_checkpoint(str(path), "resnet.pt")
    assert (checkpoint.format, checkpoint.state, checkpoint.problems) == ("torch-zip", "understood", ())
    assert checkpoint.size_bytes == path.stat().st_size
    box = checkpoint.container
    assert (box.root, box.version, box.byteorder, box.format_version) == ("resnet", "3", "little", "1")
    assert box.storage_alignment == "64"
    assert (box.compressed, box.prepended_bytes, box.appended_bytes) == (False, 0, 0)
    assert box.serialization_id.isdigit()
    assert [storage.record for storage in checkpoint.storages] == ["resnet/data/0", "resnet/data/1"]
    assert [storage.stored_bytes for storage in checkpoint.storages] == [24, 8]
    assert [tensor.path for tensor in checkpoint.tensors] == list(STATE)
    assert "resnet/data/0" not in [record.name for record in box.records]
    with path.open("rb") as file:
        for storage, tensor in zip(checkpoint.storages, STATE.values(), strict=True):
            file.seek(storage.record_offset)
            assert file.read(storage.stored_bytes) == tensor.numpy().tobytes()


def test_compressed_again_is_read_like_stored():
    checkpoint = read(edited(lambda _: None, zipfile.ZIP_DEFLATED))
    assert checkpoint.container.compressed
    assert checkpoint.problems == ()
    assert [tensor.path for tensor in checkpoint.tensors] == list(STATE)
    assert {storage.record_offset for storage in checkpoint.storages} == {None}


def test_upper_case_record_is_found_as_torch_finds_it(tmp_path):
    data = edited(lambda entries: entries.update({"archive/DATA.PKL": entries.pop("archive/data.pkl")}))
    (tmp_path / "x.pt").write_bytes(data)
    assert torch.load(tmp_path / "x.pt").keys() == STATE.keys()
    checkpoint = read(data)
    assert checkpoint.state == "understood"
    assert len(checkpoint.tensors) == 2


@pytest.mark.parametrize(
    ("edit", "kind"),
    [
        (lambda e: e.pop("archive/data/0"), "missing-record"),
        (lambda e: e.update({"archive/data/0": b"12345678"}), "short-record"),
        (lambda e: e.update({"archive/data/0": b"\0" * 100}), "long-record"),
        (lambda e: e.pop("archive/version"), "bad-version"),
        (lambda e: e.update({"archive/version": b"abc"}), "bad-version"),
        (lambda e: e.update({"archive/version": b"11\n"}), "bad-version"),
        (lambda e: e.update({"archive/version": b"0"}), "bad-version"),
        (lambda e: e.update({"archive/byteorder": b"middle"}), "bad-byteorder"),
        (lambda e: e.update({"archive/byteorder": b"little\n"}), "bad-byteorder"),
        (lambda e: e.update({"other/file": b""}), "several-roots"),
        (lambda e: e.update({"file": b""}), "several-roots"),
        (lambda e: e.pop("archive/data.pkl"), "no-data-pkl"),
        (lambda e: e.update({"archive/data.pkl": b""}), "pickle-damaged"),
        (lambda e: e.update({"archive/data.pkl": e["archive/data.pkl"][:50]}), "pickle-damaged"),
        (lambda e: e.update({"archive/data.pkl": e["archive/data.pkl"] + b"\0\0\0"}), "appended-data"),
        (lambda e: e.update({"archive/data.pkl": e["archive/data.pkl"] + pickle.dumps(Canary(), 2)}), "second-pickle"),
    ],
)
def test_wrong_records(edit, kind):
    checkpoint = read(edited(edit))
    assert kinds(checkpoint) == [kind]


@pytest.mark.parametrize("version", ["1", "3\n", "10", " 3 "])
def test_versions_that_torch_reads(version):
    assert kinds(read(edited(lambda entries: entries.update({"archive/version": version.encode()})))) == []


def test_records_without_a_folder():
    entries = {name.partition("/")[2]: data for name, data in members(saved()).items()}
    assert "no-root" in kinds(read(packed(entries)))


def test_records_one_folder_too_deep():
    entries = {f"outer/{name}": data for name, data in members(saved()).items()}
    checkpoint = read(packed(entries))
    assert "several-roots" in kinds(checkpoint)
    assert len(checkpoint.tensors) == 2


def test_stray_member_from_macos():
    entries = members(saved())
    checkpoint = read(packed({**entries, "__MACOSX/._data": b"\0\5\26\7"}))
    assert kinds(checkpoint) == ["several-roots"]
    assert checkpoint.problems[0].member == "__MACOSX/._data"


@pytest.mark.parametrize("first", [True, False])
def test_both_of_two_data_pkl_are_read(first):
    entries = list(members(saved()).items())
    evil = ("archive/data.pkl", pickle.dumps(Canary(), 2))
    with pytest.warns(UserWarning, match="Duplicate"):
        data = packed([evil, *entries] if first else [*entries, evil])
    checkpoint = read(data)
    assert "duplicate-member" in kinds(checkpoint)
    assert any(found.name == "exec" for each in checkpoint.pickles for found in each.globals)


def test_other_pickles_and_models_in_the_archive_are_read():
    entries = members(saved())
    entries["archive/evil.txt"] = pickle.dumps(Canary(), 4)
    entries["archive/inner.pt"] = saved({"inside": torch.zeros(3)})
    checkpoint = read(packed(entries))
    extra = [each for each in checkpoint.pickles if each.role == "extra"]
    assert [each.member for each in extra] == ["archive/evil.txt"]
    assert extra[0].globals[0].name == "exec"
    child = checkpoint.children[0]
    assert child.member == "archive/inner.pt"
    assert child.pickles[0].member == "archive/inner.pt!archive/data.pkl"
    assert [tensor.path for tensor in child.tensors] == ["inside"]


def test_members_in_members_end_at_a_depth():
    data = saved()
    for _ in range(30):
        data = packed({**members(saved({})), "archive/inner.pt": data})
    checkpoint = read(data)
    depth = 0
    while checkpoint.children:
        checkpoint, depth = checkpoint.children[0], depth + 1
    assert depth < 10
    assert "nested-limit" in kinds(checkpoint)


def test_second_pickle_is_kept_apart():
    data = edited(lambda e: e.update({"archive/data.pkl": e["archive/data.pkl"] + pickle.dumps(Canary(), 2)}))
    first, second = read(data).pickles
    assert (first.role, second.role) == ("object", "second")
    assert second.offset == first.size_bytes
    assert [found.name for found in second.globals] == ["exec"]


# --------------------------------------------------------------------------- cut files


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_cut_file_tells_what_is_left(share):
    state = {f"w{index}": torch.full((5000,), float(index)) for index in range(10)}
    data = saved(state)
    checkpoint = read(data[: int(len(data) * share)])
    assert checkpoint.state == "unreadable"
    assert kinds(checkpoint) == ["truncated"]
    assert len(checkpoint.tensors) == 10
    whole = [storage for storage in checkpoint.storages if storage.stored_bytes == storage.size_bytes]
    assert abs(len(whole) - 10 * share) <= 1
    assert whole == list(checkpoint.storages[: len(whole)])
    assert all(not storage.stored_bytes for storage in checkpoint.storages[len(whole) + 1 :])


def test_cut_inside_the_pickle_keeps_its_beginning():
    data = saved()
    checkpoint = read(data[: data.index(b"layer.bias") + 20])
    assert checkpoint.state == "unreadable"
    assert "truncated" in kinds(checkpoint)
    assert any(found.name == "_rebuild_tensor_v2" for found in checkpoint.pickles[0].globals)


def test_every_cut_is_told():
    data = saved()
    for length in range(4, len(data)):
        checkpoint = read(data[:length])
        assert checkpoint.state == "unreadable"
        assert {"truncated", "damaged"} & set(kinds(checkpoint))


def test_every_flipped_byte_ends_well():
    data = saved({"a": torch.ones(1)})
    for position in range(len(data)):
        read(data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :])


def test_bytes_behind_the_archive():
    assert kinds(read(saved() + b"\0" * 100)) == ["appended-data"]
    far = read(saved() + b"\0" * 100_000)
    assert far.state == "unreadable"
    assert kinds(far) == ["damaged"]
    assert len(far.tensors) == 2


def test_bytes_read_do_not_grow_with_the_file(tmp_path):
    path = tmp_path / "two-gigabytes.pt"
    with torch.serialization.skip_data():
        torch.save({f"layer.{index}.weight": torch.empty(7_000_000) for index in range(80)}, path)
    assert path.stat().st_size > 2 << 30
    checkpoint = read_checkpoint(str(path), "x")
    assert checkpoint.state == "understood"
    assert (len(checkpoint.tensors), checkpoint.problems) == (80, ())
    with path.open("rb") as file:
        file.seek(-200, 2)
        end = file.read().rindex(b"PK\6\6")
        file.seek(-200 + end, 2)
        directory = struct.unpack_from("<Q", file.read(56), 40)[0]
    needed = (
        directory
        + checkpoint.main_pickle.size_bytes
        + sum(record.size_bytes for record in checkpoint.container.records)
    )
    # Detection looks at one block of the file's beginning.
    assert checkpoint.bytes_read <= 1.05 * needed + 4096


def test_sha256_reads_the_file_once_more(tmp_path):
    import hashlib

    path = tmp_path / "x.pt"
    path.write_bytes(saved({"w": torch.zeros(100_000)}))
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_checkpoint(str(path), "x", sha256=True).sha256 == expected
    assert read_checkpoint(str(path), "x").sha256 is None


# --------------------------------------------------------------------------- who wrote it


def torch_range(checkpoint):
    bounds = [(e.low, e.high) for e in checkpoint.writer if e.what == "torch"]
    return max((low for low, _ in bounds if low), default=None), min((high for _, high in bounds if high), default=None)


def test_writer_of_this_torch():
    assert torch_range(read(saved())) == ("2.7", None)


def test_writer_before_format_version():
    def older(entries):
        for name in (".format_version", ".storage_alignment"):
            entries.pop(f"archive/{name}")

    assert torch_range(read(edited(older))) == ("2.1", "2.6")

    def oldest(entries):
        older(entries)
        entries.pop("archive/byteorder")
        entries.pop("archive/.data/serialization_id")

    assert torch_range(read(edited(oldest))) == ("1.8", "2.0")


def test_versions_that_frameworks_note():
    value = {"state_dict": STATE, "pytorch-lightning_version": "2.4.0", "epoch": 3}
    evidence = {item.what: item for item in read(saved(value)).writer}
    assert (evidence["lightning"].low, evidence["lightning"].high) == ("2.4.0", "2.4.0")
    assert "pytorch-lightning_version" in evidence["lightning"].evidence


def test_member_of_an_archive_is_read_in_place():
    data = packed({"models/a.pt": saved(), "README.md": b"text"})
    checkpoint = read(data, "models.zip")
    assert checkpoint.format == "zip"
    (child,) = checkpoint.children
    assert (child.format, child.member, child.path) == ("torch-zip", "models/a.pt", "models.zip")
    assert child.pickles[0].member == "models/a.pt!archive/data.pkl"
    assert child.anatomy.contents == "state_dict"
