import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from modeldoctor.facts.checkpoint import Adapter, Shards
from modeldoctor.findings import Related, Where
from modeldoctor.reporters.json import dumps, inspection_text, plain, report_text
from tests.reporters.samples import FULL, HOSTILE, TRAINING, broken, checkpoint, finding, report, tensor

SCHEMA = json.loads(files("modeldoctor").joinpath("schemas/report-v1.json").read_text(encoding="utf-8"))
RICH_FACTS = checkpoint(
    shards=Shards("model.index.json", (("a.bin", 3),), ("b.bin",), 12),
    adapter=Adapter("LORA", "base", 8, ("q_proj",)),
    children=(broken(),),
    problems=broken().problems,
    sha256="0" * 64,
)
RELATED = (Related(Where("views.py", 3, 4, 3, 9), "here"),)

reports = pytest.mark.parametrize(
    "made", [FULL, report(), report(finding(related=RELATED)), report(facts=(RICH_FACTS,)), report(facts=())]
)


@reports
def test_the_schema_describes_the_report(made: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(json.loads(report_text(made)), SCHEMA)


@reports
def test_no_field_is_missing_from_the_schema(made: Any) -> None:
    """The published schema allows more fields, as readers must; ours are all in it."""

    def closed(schema: Any) -> Any:
        if isinstance(schema, list):
            return [closed(item) for item in schema]
        if not isinstance(schema, dict):
            return schema
        below = {key: closed(value) for key, value in schema.items()}
        if "properties" in schema and isinstance(schema["properties"], dict):
            below.setdefault("unevaluatedProperties", False)
        return below

    strict = closed(SCHEMA)
    related = strict["$defs"]["finding"]["properties"]["related"]["items"]
    for part in related["allOf"]:
        part.pop("unevaluatedProperties", None)
    related["unevaluatedProperties"] = False
    strict["$defs"]["location"].pop("unevaluatedProperties")
    jsonschema.validate(json.loads(report_text(made)), strict)


def test_keys_are_in_a_fixed_order_and_two_runs_are_the_same() -> None:
    text = report_text(FULL)
    assert list(json.loads(text)) == SCHEMA["required"]
    assert text == report_text(FULL._replace(seconds=99.0))
    assert text.isascii()
    assert text.endswith("}\n")


def test_the_document_is_json_of_one_item_per_line() -> None:
    text = report_text(FULL)
    assert '\n    {"code": "MDR901", "name": "made-up", "severity": "error", "confidence": "high", ' in text
    document = json.loads(text)
    assert document["findings"][0]["location"] == {"path": "model.pt", "member": "archive/data.pkl", "byte": 2}
    assert document["findings"][0]["notes"] == [{"label": "needs", "text": "`a.B`"}]
    assert document["findings"][1]["data"] == {"phase": "load"}
    assert document["target_env"]["torch"] == {"value": "2.6.0", "source": "--torch"}
    assert document["target_env"]["gpus"] == []
    assert document["skipped"][1] == {"code": None, "path": "x.bin", "reason": "larger than the limit"}
    assert document["errors"][0]["code"] == "MDR903"
    assert document["summary"]["exit_code"] == 2
    states = [target["state"] for target in document["targets"]]
    assert states == ["understood", "not checked", "not understood", "unreadable"]


def test_facts() -> None:
    (target,) = json.loads(report_text(report()))["targets"]
    assert target["kind"] == "checkpoint"
    facts = target["facts"]
    assert facts["dtypes"] == {"float32": 6, "float16": 1}
    assert facts["devices"] == {"cuda:0": 7}
    assert facts["globals"] == [{"name": "torch._utils._rebuild_tensor_v2", "uses": ["called"], "times": 7, "byte": 43}]
    assert facts["prefixes"] == [{"prefix": "module.", "keys": 2, "of": 2}]


def test_values_that_json_does_not_know() -> None:
    deep: Any = "end"
    for _ in range(5000):
        deep = [deep]
    odd = {
        "nan": float("nan"), "inf": float("-inf"), "huge": 10**5000, "bytes": b"\xff", "set": {"b", "a"}, 3: 1.5,
        "text": HOSTILE, "none": None, "yes": True, "deep": deep,
    }  # fmt: skip
    document = json.loads(dumps({"odd": odd}), parse_constant=pytest.fail)["odd"]
    assert (document["nan"], document["inf"], document["huge"]) == (None, None, None)
    assert (document["set"], document["3"], document["yes"]) == (["a", "b"], 1.5, True)
    assert document["text"] == HOSTILE
    assert plain([]) == []


def test_inspection_holds_everything() -> None:
    facts = checkpoint(
        tensors=(tensor("w", 2, 3, storage=0),), config={"hidden": float("nan")}, extras=(("a", (1, 2)),)
    )
    document = json.loads(inspection_text(facts, "understood"))
    assert document["schema"] == "modeldoctor/inspect/v1"
    assert set(document) == {"schema", "tool", "kind", "loads", "errors", *facts._fields} - {"head"}
    assert document["tensors"][0] == {
        "path": "w", "dtype": "float32", "shape": [2, 3], "strides": [], "storage": 0, "offset": 0, "device": "cpu",
        "requires_grad": False, "kind": "tensor", "layout": "strided",
    }  # fmt: skip
    assert document["anatomy"]["bytes_by_dtype"] == dict(TRAINING.bytes_by_dtype)
    assert document["pickles"][0]["globals"][0]["uses"] == ["called"]
    assert document["extras"] == {"a": [1, 2]}
    assert document["config"] == {"hidden": None}
