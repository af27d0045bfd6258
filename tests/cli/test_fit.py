"""The fit command: what it prints, its exit codes, and what it says of bad input."""

import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import modeldoctor as package
from tests.cli.command import Command
from tests.rules.serving import DECODER

FIXTURES = Path(__file__).parents[2] / "fixtures" / "checkpoints"
SCHEMA = json.loads((Path(package.__file__).parent / "schemas" / "fit-v1.json").read_text(encoding="utf-8"))
NETS = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 16, 3, padding=1)
        self.head = torch.nn.Linear(16, 4)

    def forward(self, x):
        print("what the model prints is not the answer")
        return self.head(torch.relu(self.conv(x)).mean((2, 3)))

def broken():
    raise ValueError("no such weights")

def forever():
    while True:
        pass

def greedy():
    return [bytearray(1 << 30) for _ in range(64)]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder; `model/` has a configuration and no weights."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    config = {**DECODER, "torch_dtype": "bfloat16", "tie_word_embeddings": False}
    (tmp_path / "model" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return tmp_path


def document(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    return found


# --------------------------------------------------------------------------- verdicts and exit codes


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("options", "code", "verdict"),
    [
        (["--gpu", "a100-80", "--context", "2048"], 0, "fits"),
        (["--gpu-memory", "17GiB", "--context", "2048"], 0, "tight"),
        (["--gpu", "t4", "--context", "4096"], 1, "does not fit"),
        (["--gpu", "a100-80"], 0, "unknown"),
        (["--gpu", "mi300x", "--context", "2048"], 0, "unknown"),
        (["--gpu", "l4", "--context", "2048", "--workers", "2"], 1, "does not fit"),
        (["--gpu", "2xl4", "--context", "2048", "--workers", "2", "--place", "spread"], 0, "fits"),
        (["--gpu", "2xt4", "--context", "2048", "--place", "split"], 0, "fits"),
        (["--gpu", "a100-80", "--context", "2048", "--load", "state-dict", "--host-memory", "8GiB"], 1, "does not fit"),
    ],
)
def test_exit_codes(modeldoctor: Command, options: list[str], code: int, verdict: str) -> None:
    done = modeldoctor("fit", "model", *options, "--format", "json")
    assert (done.code, document(done.out)["verdict"]) == (code, verdict)
    assert modeldoctor("fit", "model", *options).code == code
    assert done.err == ""


@pytest.mark.usefixtures("folder")
def test_terms_add_up(modeldoctor: Command) -> None:
    found = document(
        modeldoctor("fit", "model", "--gpu", "a100-80", "--context", "2048", "--workers", "2", "--format", "json").out
    )
    device = found["devices"][0]
    for end in ("low", "likely", "high"):
        assert sum(term[end] for term in device["terms"]) == device["total"][end]
    assert {"weights", "KV cache", "activations", "CUDA context", "cuBLAS workspace", "allocator slack"} < {
        term["term"] for term in device["terms"]
    }
    assert all(term["source"] for term in device["terms"])


@pytest.mark.usefixtures("folder")
def test_the_text_names_what_the_sum_is_made_of(modeldoctor: Command) -> None:
    text = modeldoctor("fit", "model", "--gpu", "l4", "--context", "2048").out
    for word in (
        "weights",
        "KV cache",
        "CUDA context",
        "of 22.5 GiB",
        "a ceiling, no advice on throughput",
        "batch",
        "int8",
        "start",
    ):
        assert word in text
    assert text.rstrip().splitlines()[-1].startswith("Fits: L4")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("columns", ["80", "120"])
def test_a_terminal(modeldoctor: Command, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    options = ("--gpu", "l4", "--context", "2048", "--workers", "3", "--format", "terminal", "--color", "never")
    text = modeldoctor("fit", "model", *options).out
    assert max(map(len, text.splitlines())) <= int(columns)
    assert "│" in text
    assert ("grouped-query attention" in text) == (columns == "120")


@pytest.mark.usefixtures("folder")
def test_without_a_gpu_the_common_ones_are_listed(modeldoctor: Command) -> None:
    done = modeldoctor("fit", "model", "--context", "2048")
    assert done.code == 0
    assert "the smallest common GPU that fits is A10G" in done.out
    assert len(document(modeldoctor("fit", "model", "--context", "2048", "--format", "json").out)["catalogue"]) > 10


@pytest.mark.usefixtures("folder")
def test_a_host_without_a_gpu(modeldoctor: Command) -> None:
    done = modeldoctor("fit", "model", "--gpu", "none", "--context", "2048", "--host-memory", "64GiB")
    assert done.code == 0
    assert "CUDA context" not in done.out


@pytest.mark.usefixtures("folder")
def test_equal_gpus_are_shown_as_one(modeldoctor: Command) -> None:
    text = modeldoctor("fit", "model", "--gpu", "p4d.24xlarge", "--place", "split", "--context", "2048").out
    assert "A100-40GB 0 to 7" in text
    assert text.count("of 40.0 GiB") == 1


@pytest.mark.usefixtures("folder")
def test_verbose_tells_the_sources(modeldoctor: Command) -> None:
    assert "source: github:pytorch/pytorch" in modeldoctor("fit", "model", "--gpu", "l4", "--context", "2048", "-v").out


def test_the_ways_of_loading(modeldoctor: Command) -> None:
    done = modeldoctor("fit", "x", "--load", "list")
    assert done.code == 0
    assert "torch.load(io.BytesIO(data))" in done.out


# --------------------------------------------------------------------------- what is read


def test_sizes_without_weights(folder: Path, modeldoctor: Command) -> None:
    index = {
        "metadata": {"total_size": 16_060_522_496},
        "weight_map": {"lm_head.weight": "model-00001-of-00001.safetensors"},
    }
    (folder / "model" / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    for target in ("model", "model/model.safetensors.index.json"):
        found = document(modeldoctor("fit", target, "--gpu", "l4", "--context", "2048", "--format", "json").out)
        assert found["model"]["weights_bytes"] == 16_060_522_496
        assert "not here" in found["problems"][0]


def test_a_saved_inspection(folder: Path, modeldoctor: Command) -> None:
    for name in ("state_dict.pt", "training.pt", "tied.pt", "model.safetensors"):
        saved = modeldoctor("inspect", str(FIXTURES / name), "--format", "json").out
        (folder / "saved.json").write_text(saved, encoding="utf-8")
        of_file, of_saved = (
            document(modeldoctor("fit", target, "--gpu", "t4", "--format", "json").out)
            for target in (str(FIXTURES / name), "saved.json")
        )
        assert of_saved["model"] == of_file["model"]


def test_an_exported_program(modeldoctor: Command) -> None:
    found = document(modeldoctor("fit", str(FIXTURES / "exported.pt2"), "--gpu", "t4", "--format", "json").out)
    assert found["serving"]["activations_by"] == "graph"
    assert found["verdict"] == "fits"


@pytest.mark.parametrize(
    "name", sorted(path.name for path in FIXTURES.iterdir() if path.suffix in {".pt", ".ckpt", ".pt2", ".safetensors"})
)
def test_every_fixture(name: str, modeldoctor: Command) -> None:
    done = modeldoctor("fit", str(FIXTURES / name), "--gpu", "t4", "--format", "json")
    found = document(done.out)
    assert done.code in {0, 2}
    assert found["errors"] if done.code == 2 else found["devices"]


# --------------------------------------------------------------------------- bad input


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nothing.pt"], "no such file"),
        (["model", "--gpu", "rtx490"], "did you mean"),
        (["model", "--gpus", "2"], "add `--gpu`"),
        (["model", "--gpu", "t4", "--gpus", "0"], "--gpus must be"),
        (["model", "--batch", "0"], "--batch must be between"),
        (["model", "--batch", "99999999999"], "--batch must be between"),
        (["model", "--context", "-5"], "--context must be between"),
        (["model", "--context", "100", "--prompt", "200"], "--prompt must be between"),
        (["model", "--gpu-memory", "much"], "--gpu-memory must be a size"),
        (["model", "--host-memory", "-1GiB"], "--host-memory must be a size"),
        (["model", "--load", "statedict"], "did you mean `state-dict`"),
        (["model", "--input", "1x3"], "--input belongs to --trace"),
        (["model", "--trace", "nets:Net"], "--trace needs the inputs"),
        (["model", "--trace", "nets", "--input", "1x3"], "must be `module:factory`"),
        (["model", "--trace", "nets:Net", "--input", "1x3x"], "--input must be a shape"),
        (["model", "--trace", "nets:Net", "--input", "1x3:floaty"], "no dtype is called"),
        (["model", "--trace", "nets:Net", "--input", "0x3"], "no elements"),
        (["model", "--trace", "nets:Net", "--input", "1x3", "--trace-seconds", "0"], "--trace-seconds"),
        (["model", "--trace", "nets:Net", "--input", "1x3", "--interpreter", "/no/python"], "can't be run"),
    ],
)  # fmt: skip
def test_bad_options(modeldoctor: Command, arguments: list[str], word: str) -> None:
    done = modeldoctor("fit", *arguments)
    assert done.code == 2
    assert word in done.err
    assert done.out == ""
    assert word in json.loads(modeldoctor("fit", *arguments, "--format", "json").out)["errors"][0]["message"]


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("config.json", '{"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": -1}', "num_hidden_layers"),
        ("config.json", '{"model_type": "llama", "hidden_size": 1e400, "num_hidden_layers": 2}', "hidden_size"),
        ("config.json", "[1, 2]", "neither a configuration nor"),
        ("config.json", "{", "invalid JSON"),
        ("config.json", '{"model_type": "resnet"}', "the size of the model is not known"),
        ("saved.json", '{"schema": "modeldoctor/inspect/v1"}', "no whole `inspect --format json`"),
        ("model.safetensors.index.json", '{"weight_map": {"a": "gone.safetensors"}}', "not known"),
        ("model.safetensors.index.json", "{}", "weight_map"),
        ("notes.txt", "hello", "holds no model"),
        ("cut.pt", "PK\x03\x04", "can't be read"),
    ],
)  # fmt: skip
def test_bad_files(tmp_path: Path, modeldoctor: Command, name: str, content: str, word: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    done = modeldoctor("fit", str(tmp_path / name), "--gpu", "t4")
    assert (done.code, done.out) == (2, "")
    assert word in done.err
    assert "internal error" not in done.err


# --------------------------------------------------------------------------- traces


def traced(modeldoctor: Command, *options: str) -> dict[str, Any]:
    arguments = ("fit", str(FIXTURES / "state_dict.pt"), "--gpu", "t4", "--interpreter", sys.executable, *options)
    return document(modeldoctor(*arguments, "--format", "json").out)


def activations(found: dict[str, Any]) -> dict[str, Any]:
    return next(term for term in found["devices"][0]["terms"] if term["term"] == "activations")


@pytest.mark.heavy
def test_a_trace(folder: Path, modeldoctor: Command) -> None:
    (folder / "nets.py").write_text(NETS, encoding="utf-8")
    found = traced(modeldoctor, "--trace", "nets:Net", "--input", "8x3x64x64")
    image, output = 8 * 3 * 64 * 64 * 4, 8 * 16 * 64 * 64 * 4
    assert activations(found)["low"] == image + 2 * output
    assert found["serving"]["batch"] == 8
    assert found["verdict"] == "fits"
    assert activations(
        traced(modeldoctor, "--trace", "nets:Net", "--input", "x=2x3x64x64:float32", "--batch", "8")
    ) == activations(found)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("factory", "word"),
    [("broken", "ValueError: no such weights"), ("greedy", "MemoryError"), ("absent", "AttributeError")],
)
def test_a_trace_that_fails(folder: Path, modeldoctor: Command, factory: str, word: str) -> None:
    (folder / "nets.py").write_text(NETS, encoding="utf-8")
    found = traced(modeldoctor, "--trace", f"nets:{factory}", "--input", "1x3x8x8")
    assert found["verdict"] == "unknown"
    assert word in activations(found)["assumption"]


def test_a_trace_that_takes_too_long(folder: Path, modeldoctor: Command) -> None:
    (folder / "nets.py").write_text(NETS, encoding="utf-8")
    found = traced(modeldoctor, "--trace", "nets:forever", "--input", "1x3x8x8", "--trace-seconds", "0.5")
    assert "more than 0.5 s" in activations(found)["assumption"]


ANSWER = {
    "batch": 4, "peak_bytes": 4000, "slope_bytes": 1000, "largest_bytes": 100, "convolution_bytes": 0, "recurrent_bytes": 0,
    "grad_bytes": None, "weights_bytes": 8, "weights_by_dtype": [["float32", 8]], "torch": "2.6.0", "seconds": 0.1,
}  # fmt: skip


def speaks(folder: Path, *lines: str, code: int = 0) -> str:
    """An interpreter that says these lines, whatever it is to run."""
    path = folder / "python"
    said = "\n".join(lines)
    path.write_text(f"#!/bin/sh\ncat > /dev/null\ncat <<'END'\n{said}\nEND\nexit {code}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for the interpreter")
def test_the_answer_of_a_trace(folder: Path, modeldoctor: Command) -> None:
    python = speaks(folder, "hello", f"modeldoctor-trace:{json.dumps(ANSWER)}")
    found = traced(modeldoctor, "--trace", "nets:Net", "--input", "4x3", "--interpreter", python)
    assert (activations(found)["low"], found["serving"]["batch"], found["serving"]["activations_by"]) == (
        4000,
        4,
        "trace",
    )
    assert "torch 2.6.0" in activations(found)["source"]


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for the interpreter")
@pytest.mark.parametrize("line", ["", "no answer", "modeldoctor-trace:{", "modeldoctor-trace:[]"])
def test_an_interpreter_that_talks_nonsense(folder: Path, modeldoctor: Command, line: str) -> None:
    python = speaks(folder, line, code=3)
    found = traced(modeldoctor, "--trace", "nets:Net", "--input", "4x3", "--interpreter", python)
    assert "the trace failed" in activations(found)["assumption"]
