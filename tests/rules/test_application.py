"""Rules over what lies inside a fact: shards of a set, models in an archive."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity, Unjudged
from modeldoctor.rules.application import answers
from modeldoctor.rules.base import Context, rule
from tests.rules.builders import checkpoint, tensor

SHARDS = [checkpoint("safetensors", path=f"model-{number}.safetensors") for number in (1, 2, 3)]
SET = checkpoint("sharded", path="model.safetensors.index.json", tensors=[tensor("w")], children=SHARDS)
ARCHIVE = checkpoint("zip", state="recognised", children=[checkpoint(member="a.pt"), checkpoint(member="b.pt")])
SEEN: list[tuple[str, bool, bool]] = []


@rule(Checkpoint, code="MDR199", slug="x", severity=Severity.INFO, summary="x", since="0.1")
def speaks(checkpoint: Checkpoint, context: Context) -> Iterator[Hit | Unjudged]:
    SEEN.append((checkpoint.member or checkpoint.path, context.explicit, context.part))
    if checkpoint.format in {"safetensors", "torch-zip"}:
        yield Hit("bad")
    if checkpoint.path.startswith("model-2"):
        yield Unjudged("no idea")


def test_the_same_thing_in_many_shards_is_one_hit() -> None:
    unjudged, hit = answers(speaks, SET, Context())
    assert unjudged == Unjudged("no idea", "model-2.safetensors")
    assert isinstance(hit, Hit)
    assert hit.where is not None
    assert hit.where.path == "model-1.safetensors"
    assert [related.where.path for related in hit.related] == ["model-2.safetensors", "model-3.safetensors"]


def test_models_in_an_archive_are_told_apart() -> None:
    places = [hit.where for hit in answers(speaks, ARCHIVE, Context()) if isinstance(hit, Hit)]
    assert [(place.path, place.member) for place in places if place] == [("model.pt", "a.pt"), ("model.pt", "b.pt")]


def test_shards_were_meant_and_what_an_archive_holds_was_only_met() -> None:
    SEEN.clear()
    list(answers(speaks, SET, Context()))
    list(answers(speaks, ARCHIVE, Context()))
    assert SEEN == [
        ("model.safetensors.index.json", True, False),
        ("model-1.safetensors", True, True),
        ("model-2.safetensors", True, True),
        ("model-3.safetensors", True, True),
        ("model.pt", True, False),
        ("a.pt", False, False),
        ("b.pt", False, False),
    ]
