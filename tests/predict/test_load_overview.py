"""What a person is told about loading: ranges of releases, reasons, and code to paste."""

import io
import pickle
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from modeldoctor.errors import UsageError
from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.predict.load.overview import Overview, documented, overview
from modeldoctor.predict.load.selection import Beside, beside, chosen, known_releases
from modeldoctor.readers.checkpoint.read import read_checkpoint, read_source
from modeldoctor.storage import Memory

ALONE = Beside()


def read(data: bytes, name: str = "x.pt") -> Checkpoint:
    return read_source(Memory(data), name, name)


def saved(value: object, **options: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def archive(pickled: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in (("data.pkl", pickled), ("version", b"3\n")):
            file.writestr(zipfile.ZipInfo(f"archive/{name}"), data)
    return buffer.getvalue()


def told(data: bytes, name: str = "x.pt", asked: tuple[str, ...] = ()) -> Overview:
    found = overview(read(data, name), asked, ALONE)
    assert found is not None
    return found


# --------------------------------------------------------------------------- the releases asked for


def test_the_releases_asked_for() -> None:
    assert chosen([]) == ()
    assert chosen(["2.6.0"]) == ("2.6.0",)
    assert chosen(["2.5"]) == ("2.5.1",), "the last of its series"
    assert chosen(["2.4-2.6"]) == ("2.4.0", "2.4.1", "2.5.0", "2.5.1", "2.6.0")
    assert chosen(["2.6.0", "1.13-1.13", "2.6"]) == ("1.13.0", "1.13.1", "2.6.0"), "in order, each once"
    assert chosen(["9.0"]) == ("9.0",), "kept: its verdict is unknown"
    assert chosen(["all"]) == known_releases()
    assert known_releases()[0] == "1.4.0"


@pytest.mark.parametrize("text", ["banana", "2.6-", "-", "", "2.6-banana", "2.6.0 2.7.0", "2.6banana", "2"])
def test_what_is_no_release(text: str) -> None:
    with pytest.raises(UsageError, match="is no torch release"):
        chosen([text])


def test_what_is_beside_it() -> None:
    assert beside("3.11", "2.1.0", ["t4", "none", "t4"]) == Beside("3.11", "2.1.0", 2)
    with pytest.raises(UsageError, match="`--python snake` is no version"):
        beside("snake", None, ())
    with pytest.raises(UsageError, match="did you mean"):
        beside(None, None, ["t44"])


# --------------------------------------------------------------------------- what is told


def test_weights_need_one_line() -> None:
    found = told(saved({"w": torch.zeros(2)}))
    assert found.lines == (
        (
            "torch.load(…)",
            "1.4 fails; 1.5 – 1.6 unknown; 1.7 – 2.3 loads; 2.4 – 2.5 loads with warning; 2.6 – 2.15 loads",
        ),
    )
    assert found.notes[0] == "1.4: torch 1.4.0 does not read archives of version `3` (RuntimeError); use a newer torch"
    assert found.cures == ()


def test_a_module_is_told_with_two_ways_out() -> None:
    found = told(saved(nn.Sequential(nn.Linear(2, 2))), "dir/m.pt", ("2.5.1", "2.6.0", "2.7.0"))
    assert found.lines == (
        ("torch.load(…)", "2.5 loads with warning; 2.6 – 2.7 refused"),
        ("torch.load(…, weights_only=False)", "2.5 – 2.7 loads"),
    )
    (note,) = found.notes
    assert note.startswith("2.6 – 2.7: `torch.nn.modules.container.Sequential` is not on the list")
    (_, allow), (_, again) = found.cures
    assert "safe_globals([Sequential, Linear])" in allow
    assert again.splitlines()[2:] == [
        "weights = torch.load('dir/m.pt', map_location=\"cpu\", weights_only=False)",
        "if isinstance(weights, torch.nn.Module):",
        "    weights = weights.state_dict()",
        "torch.save(weights, 'dir/m-weights.pt')",
    ]


def test_saving_again_works(tmp_path: Path) -> None:
    """Also where the weights are one entry of many, and where names cannot be allowed."""
    path = tmp_path / "m.pt"
    entries = {"model": nn.Linear(2, 2), "optimizer": {"state": {}, "param_groups": []}, "epoch": 3}
    for value in (nn.Linear(2, 2), entries, {"w": torch.zeros(2)}):
        torch.save(value, path, pickle_protocol=4)
        found = overview(read_checkpoint(str(path), str(path)), ("2.13.0",), ALONE)
        assert found is not None
        exec(found.cures[-1][1], {})
        assert torch.load(tmp_path / "m-weights.pt", weights_only=True).keys() in ({"weight", "bias"}, {"w"})


def test_code_of_others_is_told_apart() -> None:
    pickled = b"\x80\x02cshop.nets\nNet\n)\x81."
    lines = dict(told(archive(pickled), asked=("2.3.1", "2.6.0")).lines)
    assert lines["torch.load(…)"] == "2.3 loads; 2.6 refused"
    assert lines["torch.load(…) without its own code"] == "2.3 fails; 2.6 refused"


def test_devices_are_told_apart() -> None:
    data = saved({"w": torch.zeros(2)}).replace(b"cpuq", b"mpsq")
    found = told(data, asked=("2.6.0",))
    assert found.lines == (("torch.load(…)", "2.6 fails"), ('torch.load(…, map_location="cpu")', "2.6 loads"))
    assert found.notes[0].endswith('(RuntimeError); load it with `map_location="cpu"`')


def test_no_way_is_shown_to_load_what_is_harmful() -> None:
    found = told(archive(b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85R."), asked=("2.6.0",))
    assert found.cures == ()
    assert found.notes[0].partition("; ")[2].startswith("do not load it: the file uses `posix.system`, which ")
    assert "weights_only=False" not in found.notes[0]


@pytest.mark.parametrize("name", ["os\nimport os\nos.system('id')#", "a b", "x)", ""])
def test_names_that_are_code_are_not_written_into_code(name: str) -> None:
    pickled = b"\x80\x02\x8c" + bytes([len(name)]) + name.encode() + b"\x8c\x03Net\x93."
    assert told(archive(pickled), asked=("2.6.0",)).cures == ()
    assert told(archive(f"\x80\x02cmodule\n{name}\n.".encode("latin-1")), asked=("2.6.0",)).cures == ()


def test_files_of_other_loaders_name_these() -> None:
    pickled = pickle.dumps({"a": 1}, 2)
    assert (
        told(pickled, asked=("2.6.0",))
        .notes[0]
        .endswith("load it with what wrote it: it is a pickle of its own, not one of `torch.save`")
    )
    scripted = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(nn.Linear(2, 2)), scripted)
    found = told(scripted.getvalue(), asked=("2.6.0",))
    assert found.lines[0] == ("torch.jit.load(…)", "2.6 loads")
    assert found.notes[0].endswith("load it with `torch.jit.load`")
    assert found.cures == ()
    renamed = told(saved({"w": torch.zeros(2)}), "x.safetensors", ("2.13.0",))
    assert "rename it" in renamed.notes[0]
    assert overview(read(b"GGUF" + bytes(100)), (), ALONE) is None
    assert "llama.cpp" in told(b"GGUF" + bytes(100), asked=("2.6.0",)).notes[0]


def test_damaged_files_are_to_be_fetched_again() -> None:
    data = saved({"w": torch.zeros(2000)})
    assert "get the file again" in told(data[:-500]).notes[0]
    assert told(data[:-500]).cures == ()


def test_folders_have_no_loader(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(saved({"w": torch.zeros(2)}))
    folder = read_checkpoint(str(tmp_path), "m")
    assert overview(folder, ("2.6.0",), ALONE) is None
    assert documented(folder, ("2.6.0",), ALONE) == []


def test_the_document_has_a_row_for_each_way() -> None:
    checkpoint = read(saved({"w": torch.zeros(2)}))
    assert documented(checkpoint, (), ALONE) == []
    found = documented(checkpoint, ("2.6.0", "9.0"), ALONE)
    assert len(found) == 2 * 11 * 2
    assert found[0]["outcome"] == "loads"
    assert {row["outcome"] for row in found if row["torch"] == "9.0"} == {"unknown"}
