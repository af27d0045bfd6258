import json

from modeldoctor.facts.checkpoint import Container, Shards
from tests.rules.builders import STATE, bad, checkpoint, good, problem

SHARDS = Shards("model.safetensors.index.json", (("a", 3), ("b", 3), ("c", 3)), ("b", "c"), 1000)


def sharded(**weight_map):
    """An index and the shards `a.safetensors`, `b.safetensors` with one tensor of that name each."""

    def make(folder):
        import torch
        from safetensors.torch import save_file

        for name in ("a", "b"):
            save_file({name: torch.ones(2)}, folder / f"{name}.safetensors", metadata={"format": "pt"})
        index = {"metadata": {"total_size": 16}, "weight_map": weight_map}
        path = folder / "model.safetensors.index.json"
        path.write_text(json.dumps(index))
        return path

    return make


def broken(folder):
    path = folder / "model.safetensors.index.json"
    path.write_text('{"weight_map": 3}')
    return path


CASES = [
    bad(
        "two are missing",
        checkpoint("sharded", shards=SHARDS, problems=[problem("shard-missing", member=name) for name in "bc"]),
        "2 shards of 3 listed missing: `b` and `c`",
        "hf download",
        severity="error",
    ),
    bad("not listed", checkpoint("sharded", problems=[problem("shard-unlisted", member="d")]), severity="warning"),
    bad("each cause once", checkpoint(problems=[problem("shard-unlisted"), problem("shard-mismatch")]), hits=2),
    bad(
        "a folder without weights",
        checkpoint("adapter", problems=[problem("missing-record", "has no weights")]),
        "lacks",
    ),
    bad("a shard is gone", sharded(a="a.safetensors", b="b.safetensors", c="c.safetensors"), "`c.safetensors`"),
    bad("a tensor is elsewhere", sharded(a="a.safetensors", b="a.safetensors"), "do not hold what the index", "`b`"),
    bad("no index", broken, "cannot be read", severity="error"),
    good("complete", sharded(a="a.safetensors", b="b.safetensors")),
    good("one file", STATE),
    good(
        "a record that an archive lacks",
        checkpoint(problems=[problem("missing-record")], container=Container("zip", "archive", 5)),
    ),
]
