import re
import time

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.reporters.inspection import inspection
from modeldoctor.reporters.text import render
from modeldoctor.reporters.tree import tree
from tests.reporters.samples import HOSTILE, broken, checkpoint, foreign, subject, tensor


def rows(*paths: str, depth: int | None = None) -> list[str]:
    return render(tree(tuple(tensor(path, 4) for path in paths), depth)).splitlines()


def names(text: list[str]) -> list[str]:
    return [re.split(r"(?<=\S)  ", row[2:])[0] for row in text]


def test_the_tree() -> None:
    blocks = [f"h.{number}.{name}" for number in range(12) for name in ("attn.weight", "attn.bias", "mlp.weight")]
    text = rows("wte.weight", *blocks, "h.12.odd", "ln.weight", "ln.bias")
    assert text == [
        "  wte.weight                      4  float32    16 bytes",
        "  h                      37 tensors  float32   592 bytes",
        "  ├─ 0 … 11 (12×)        36 tensors  float32   576 bytes",
        "  │  ├─ attn              2 tensors  float32    32 bytes",  # from here on of one block
        "  │  │  └─ weight, bias      4 each  float32    32 bytes",
        "  │  └─ mlp.weight                4  float32    16 bytes",
        "  └─ 12.odd                       4  float32    16 bytes",
        "  ln                      2 tensors  float32    32 bytes",
        "  └─ weight, bias            4 each  float32    32 bytes",
    ]


def test_numbered_chains_merge() -> None:
    text = rows(*(f"layers.{number}.block.{leaf}" for number in range(5) for leaf in "ab"), depth=9)
    assert names(text) == ["layers", "└─ 0 … 4 (5×).block", "   └─ a, b"]


def test_depth() -> None:
    paths = [f"a{number}.b{number}.c.{leaf}" for number in range(3) for leaf in "xyzuv"]
    assert names(rows(*paths, depth=1)) == ["a0.b0.c", "a1.b1.c", "a2.b2.c"]
    assert len(rows(*paths, depth=2)) == 3 + 15
    assert len(rows(*(f"p{number}.{leaf}" for number in range(30) for leaf in "ab"))) == 30, "as deep as fits"
    flat = rows(*(f"p{number}" for number in range(1000)))
    assert len(flat) == 42
    assert flat[-1] == "  … and 959 more (--tensors lists all)"


def test_names_that_collide_or_nest_without_end() -> None:
    assert names(rows("a", "a.b", "a.b.c", depth=9)) == ["a", "├─ (itself)", "└─ b", "   └─ (itself), c"]
    assert names(rows("x", "x", "x")) == ["x, x #2, x #3"]
    started = time.perf_counter()
    rows(*["same.path"] * 20_000)
    rows(".".join("a" * 10_000), ".".join("a" * 9_000), "." * 5000, depth=10**6)
    rows(*(f"layers.{number}.block.{leaf}" for number in range(5000) for leaf in ("w", "b", "g", "h")))
    assert time.perf_counter() - started < 5


def show(facts: Checkpoint, **options: object) -> str:
    chosen = {"width": 80, "depth": None, "tensors": False, "verbose": False, **options}
    return render(inspection(subject(facts), **chosen))  # type: ignore[arg-type]


def test_everything_is_shown() -> None:
    facts = checkpoint(
        problems=broken().problems,
        outline=(("epoch", "3"), ("args", (("lr", "0.1"),))),
        extras=(("code", "a.py"),),
        children=(foreign(),),
    )
    text = show(facts)
    for part in (
        '  container  zip with 9 records under "archive", version 3, little endian',
        "  pickle     archive/data.pkl, protocol 2, 99 opcodes, 4.1 kB",
        "  read       5.0 kB of 12.1 MB",
        "evidence\n  torch 1.6 or newer: a zip\n  torch 2.1 to 2.3: the record .data/id",
        "tensors\n  model                 2 tensors  float32     7.6 MiB\n  └─ weight, tied  1000×1000 each",
        "globals\n  torch._utils._rebuild_tensor_v2  called, 7 mentions, first at byte 43",
        "calls with their arguments\n  os.system('id')",
        "problems\n  truncated: the directory of the archive is missing at byte 77",
        "data\n  epoch: 3\n  args:\n    lr: 0.1",
        "extras\n  code: a.py",
        "inside\n  model.onnx: ONNX model, load it with onnxruntime",
    ):
        assert part in text, part


def test_all_tensors() -> None:
    facts = checkpoint(tensors=(tensor("part", 2, storage=0), tensor("tied", 2, storage=0), tensor("s")))
    assert show(facts, tensors=True).split("tensors\n")[1].split("\n\n")[0].splitlines() == [
        "  part  float32  2       8 bytes  cpu  part of 3.8 MiB",
        "  tied  float32  2       8 bytes  cpu  shares the storage of part",
        "  s     float32  scalar  4 bytes  cpu",
    ]


def test_long_lists_fold() -> None:
    facts = checkpoint(extras=tuple((f"k{number}", "v") for number in range(50)))
    assert "… and 30 more (-v lists them)" in show(facts)
    assert "k49" in show(facts, verbose=True)


def test_files_that_are_not_understood() -> None:
    assert show(foreign()).splitlines()[0] == "model.onnx  123 bytes  not checked"
    assert "unreadable" in show(broken())


def test_hostile_names() -> None:
    facts = checkpoint(
        HOSTILE, tensors=(tensor(HOSTILE, 1), tensor(f"a.{HOSTILE}", 10**5000)), extras=((HOSTILE, HOSTILE),)
    )
    for option in (True, False):
        assert show(facts, tensors=option).replace("\n", "").isprintable()
