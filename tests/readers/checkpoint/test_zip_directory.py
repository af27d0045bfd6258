import io
import struct
import time
import zipfile

import pytest

from modeldoctor.errors import ReadError
from modeldoctor.readers.checkpoint import zip_directory
from modeldoctor.readers.checkpoint.zip_archive import Archive
from modeldoctor.readers.checkpoint.zip_directory import read_directory
from modeldoctor.storage import Memory, Window

MEMBERS = [("a/data.pkl", b"pickle"), ("a/version", b"3\n"), ("a/data/0", b"\1\2\3\4" * 100)]


def make(members=MEMBERS, *, method=zipfile.ZIP_STORED, comment=b"", force_zip64=False):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            with archive.open(zipfile.ZipInfo(name) if method == 0 else name, "w", force_zip64=force_zip64) as member:
                member.write(data)
        archive.comment = comment
    return buffer.getvalue()


def directory(data):
    return read_directory(Memory(data))


def archive(data):
    opened = Archive(Memory(data), directory(data))
    opened.check_headers()
    return opened


def kinds(problems):
    return sorted({problem.kind for problem in problems})


def patch(data, at, new):
    return data[:at] + new + data[at + len(new) :]


def central(data, name):
    """Where the central header of a member begins."""
    return data.rindex(name.encode()) - 46


@pytest.mark.parametrize("force_zip64", [False, True])
@pytest.mark.parametrize("comment", [b"", b"a comment", b"x" * 65535])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_agrees_with_zipfile(method, comment, force_zip64):
    data = make(method=method, comment=comment, force_zip64=force_zip64)
    opened = archive(data)
    assert opened.problems == []
    with zipfile.ZipFile(io.BytesIO(data)) as expected:
        for info, entry in zip(expected.infolist(), opened.directory.entries, strict=True):
            assert entry.name == info.filename
            assert entry.offset == info.header_offset
            assert (entry.crc, entry.size_bytes, entry.packed_bytes) == (info.CRC, info.file_size, info.compress_size)
            assert opened.read(entry) == expected.read(info)
            assert opened.head(entry, 4) == expected.read(info)[:4]


def test_no_members():
    assert directory(make([])).entries == ()


@pytest.mark.parametrize("cut", [1, 10, 22, 30, 100])
def test_cut_at_the_end_is_truncated(cut):
    with pytest.raises(ReadError) as caught:
        directory(make()[:-cut])
    assert caught.value.kind == "truncated"


def test_bytes_before_and_behind():
    data = b"JUNK" * 10 + make() + b"\0" * 100
    found = directory(data)
    assert (found.prepended_bytes, found.appended_bytes) == (40, 100)
    assert Archive(Memory(data), found).read(found.entries[0]) == b"pickle"


def test_bytes_before_an_archive_with_zip64_end():
    body = make()
    end = body.rindex(b"PK\5\6")
    count, size, offset = struct.unpack_from("<HII", body, end + 10)
    end64 = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
    data = body[:end] + end64 + locator + patch(body[end:], 8, b"\xff" * 12)
    assert directory(data).zip64
    found = directory(b"12345678" + data)
    assert found.prepended_bytes == 8
    assert [entry.name for entry in found.entries] == [name for name, _ in MEMBERS]


def test_duplicates_count_whatever_the_case_of_letters():
    with pytest.warns(UserWarning, match="Duplicate"):
        data = make([*MEMBERS, MEMBERS[0], ("A/VERSION", b"4")])
    found = directory(data)
    assert [(p.kind, p.member, p.times) for p in found.problems] == [
        ("duplicate-member", "a/data.pkl", 2),
        ("duplicate-member", "a/version", 2),
    ]


def test_duplicate_is_not_hidden_by_a_nul_in_another_name():
    with pytest.warns(UserWarning, match="Duplicate"):
        data = make([("a", b""), ("a", b""), ("xyz", b"")])
    data = data.replace(b"xyz", b"x\0z")
    assert kinds(directory(data).problems) == ["duplicate-member", "unsafe-name"]


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "C:/x", "..\\x", "\\\\host\\x"])
def test_unsafe_names(name):
    assert kinds(directory(make([("ok/version", b""), (name, b"")])).problems) == ["unsafe-name"]


@pytest.mark.parametrize("name", ["a..b/data", "ab:c/d", "a/.data/x", "x\\y"])
def test_odd_names_that_stay_inside(name):
    assert directory(make([(name, b"")])).problems == ()


def test_name_that_is_not_utf8():
    data = make([("a/b", b"1"), ("ü/c", b"2")]).replace("ü".encode(), b"\xfc\xfd")
    found = archive(data)
    assert kinds(found.problems) == ["unsafe-name"]
    assert found.read(found.directory.entries[1]) == b"2"


@pytest.mark.parametrize("bit", [0x1, 0x40, 0x20])
def test_encrypted_members_are_told(bit):
    data = make()
    data = patch(data, central(data, "a/data.pkl") + 8, bytes([bit]))
    assert "encrypted-member" in kinds(directory(data).problems)


def test_encrypted_member_is_not_read():
    data = make()
    opened = archive(patch(data, central(data, "a/data.pkl") + 8, b"\1"))
    with pytest.raises(ReadError) as caught:
        opened.read(opened.directory.entries[0])
    assert caught.value.kind == "encrypted-member"


@pytest.mark.parametrize(
    ("at", "new"),
    [(30, b"b"), (8, b"\x08"), (6, b"\x01"), (14, b"\1"), (18, b"\1"), (22, b"\1"), (0, b"XX")],
    ids=["name", "method", "encryption", "crc", "packed", "size", "signature"],
)
def test_local_header_that_disagrees(at, new):
    assert kinds(archive(patch(make(), at, new)).problems) == ["header-mismatch"]


def test_headers_without_sizes_as_torch_writes_them_are_fine():
    buffer = io.BytesIO()

    class Stream:
        write, flush = buffer.write, buffer.flush

    with zipfile.ZipFile(Stream(), "w") as out:
        out.writestr("a/data.pkl", b"pickle")
    opened = archive(buffer.getvalue())
    assert opened.problems == []
    assert opened.read(opened.directory.entries[0]) == b"pickle"


def test_wrong_checksum_is_told_and_the_bytes_are_kept():
    data = make().replace(b"pickle", b"pickls")
    opened = archive(data)
    assert opened.read(opened.directory.entries[0]) == b"pickls"
    assert kinds(opened.problems) == ["bad-crc"]


def test_members_that_share_bytes():
    data = make()
    first = struct.unpack_from("<I", data, central(data, "a/data.pkl") + 42)[0]
    data = patch(data, central(data, "a/version") + 42, struct.pack("<I", first + 4))
    assert "damaged" in kinds(directory(data).problems)


def test_bomb_is_not_unpacked_beyond_what_it_states():
    data = make([("a", b"\0" * 5_000_000)], method=zipfile.ZIP_DEFLATED)
    data = patch(data, central(data, "a") + 24, struct.pack("<I", 1000))
    opened = Archive(Memory(data), directory(data))
    assert len(opened.read(opened.directory.entries[0])) == 1001
    assert "damaged" in kinds(opened.problems)


def test_too_large_to_be_read_whole():
    data = make()
    data = patch(data, central(data, "a/version") + 24, struct.pack("<I", 1 << 30))
    opened = Archive(Memory(data), directory(data))
    with pytest.raises(ReadError) as caught:
        opened.read(opened.directory.entries[1])
    assert caught.value.kind == "limit"


def test_unknown_method():
    data = make()
    data = patch(data, central(data, "a/version") + 10, b"\x63")
    opened = Archive(Memory(data), directory(data))
    with pytest.raises(ReadError, match="99"):
        opened.read(opened.directory.entries[1])


def test_broken_deflate():
    data = make([("a", bytes(range(256)))], method=zipfile.ZIP_DEFLATED)
    start = 30 + 1
    opened = Archive(Memory(patch(data, start, b"\xff" * 20)), directory(data))
    with pytest.raises(ReadError, match="unpacked"):
        opened.read(opened.directory.entries[0])
    assert opened.head(opened.directory.entries[0], 10) == b""


@pytest.mark.parametrize(("field", "kind"), [(10, "damaged"), (12, "damaged"), (16, "damaged")])
def test_end_record_that_lies(field, kind):
    data = make()
    end = data.rindex(b"PK\5\6")
    data = patch(data, end + field, b"\7\7")
    try:
        problems = [problem.kind for problem in directory(data).problems]
    except ReadError as error:
        problems = [error.kind]
    assert kind in problems


def test_count_above_the_limit(monkeypatch):
    monkeypatch.setattr(zip_directory, "MAX_ENTRIES", 2)
    with pytest.raises(ReadError) as caught:
        directory(make())
    assert caught.value.kind == "limit"


def test_every_cut_and_every_flipped_byte_ends_well():
    data = make([("a/x", b"1"), ("a/y", b"2")], method=zipfile.ZIP_DEFLATED)
    for position in range(len(data)):
        for broken in (data[:position], patch(data, position, bytes([data[position] ^ 0xFF]))):
            try:
                opened = archive(broken)
                for entry in opened.directory.entries:
                    opened.read(entry)
            except ReadError:
                pass


def test_many_members_cost_milliseconds():
    data = make([(f"archive/data/{index}", b"") for index in range(20_000)])
    started = time.process_time()
    found = directory(data)
    assert time.process_time() - started < 0.5  # 30 ms on an idle machine
    assert len(found.entries) == 20_000
    assert found.problems == ()


def test_reads_the_directory_and_nothing_else():
    class Counting(Window):
        asked = 0

        def read_at(self, offset, size):
            self.asked += size
            return super().read_at(offset, size)

    data = make([(f"archive/data/{index}", b"\0" * 1000) for index in range(1000)])
    source = Counting(Memory(data), 0, len(data))
    found = read_directory(source)
    assert source.asked <= len(data) - found.start + 100
