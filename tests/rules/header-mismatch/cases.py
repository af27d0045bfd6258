from tests.rules.builders import STATE, bad, checkpoint, edited, good, problem, saved


def renamed_inside(data: bytes) -> bytes:
    return data.replace(b"model/data.pkl", b"model/data.pkx", 1)


def grown(data: bytes) -> bytes:
    """The first local header states 9 bytes more than the directory."""
    at = data.index(b"PK\x03\x04")
    size = int.from_bytes(data[at + 22 : at + 26], "little") + 9
    return data[: at + 22] + size.to_bytes(4, "little") + data[at + 26 :]


def packed(folder):
    """Python writes sizes into the local header; torch leaves them to a descriptor behind the data."""
    import zipfile

    source = STATE(folder)
    path = folder / "packed.pt"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name), old.read(name))
    return path


CASES = [
    bad("another name", edited(STATE, renamed_inside), "1 member", "`model/data.pkx`", severity="error"),
    bad("another size", edited(packed, grown), "disagree with the directory"),
    bad(
        "many", checkpoint(problems=[problem("header-mismatch", member=n) for n in "abcde"]), "5 members", "and 2 more"
    ),
    good("as torch writes it", STATE),
    good("as Python's zipfile writes it", packed),
    good("compressed records", saved(dict)),
    good("a cut file", checkpoint(problems=[problem("truncated"), problem("header-mismatch")])),
]
