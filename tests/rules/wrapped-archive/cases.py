import gzip
import io
import tarfile
import zipfile

from tests.rules.builders import STATE, bad, checkpoint, edited, good, raw


def in_zip(data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner/model.pt", data)
    return packed.getvalue()


def in_tar(data: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("model.pt")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


INSIDE = checkpoint(member="model.pt")
ZIPPED = checkpoint("zip", state="recognised", title="zip archive", children=[INSIDE])

CASES = [
    bad("a zip named .pt", ZIPPED, "the model `model.pt` is packed in a zip", "unzip model.pt", severity="error"),
    bad("an honest zip", ZIPPED._replace(path="m.zip"), "packed in a zip", severity="info"),
    bad("gzip named .pt", edited(STATE, gzip.compress), "packed in a gzip", "gunzip", "\\x1f", severity="error"),
    bad("gzip by its name", edited(STATE, gzip.compress, "model.pt.gz"), "packed", severity="info"),
    bad("zip around a model", edited(STATE, in_zip), "`inner/model.pt`", "subdirectory", severity="error"),
    bad("tar around a model", edited(STATE, in_tar), "legacy .tar format", severity="error"),
    bad("for SageMaker", edited(STATE, lambda data: gzip.compress(in_tar(data)), "model.tar.gz"), severity="info"),
    good("a state_dict is a zip too", STATE),
    good("a zip of something else", raw(in_zip(b"hello").replace(b"model.pt", b"notes.md"), "notes.zip")),
    good("a TorchServe archive", checkpoint("mar", state="recognised", path="m.mar", children=[INSIDE])),
]
