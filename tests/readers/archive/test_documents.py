"""Manifest, configuration, labels, requirements and properties as both sides of the server see them."""

import pytest

from modeldoctor.readers.archive import documents


def test_a_manifest_that_only_the_frontend_takes() -> None:
    found = documents.manifest(b"{'model': {'modelName': 'm'}} // done")
    assert found.frontend == {"model": {"modelName": "m"}}
    assert found.worker is None
    assert found.worker_error.startswith("json.decoder.JSONDecodeError")
    assert found.line_of("modelName") == 1


def test_a_manifest_that_nobody_takes() -> None:
    found = documents.manifest(b'{"model": {\n"modelName": "m",}}')
    assert (found.frontend_error, found.line) == ("Expected name", 2)


@pytest.mark.parametrize("text", ["a: [1", "\ta: 1", "a: 1\n---\nb: 2", "a: !!python/object:os.system {}", "a: *b"])
def test_yaml_that_both_refuse(text: str) -> None:
    found = documents.configuration("c.yaml", text.encode())
    assert found.worker_error
    assert found.frontend_error


def test_yaml_values_and_lines() -> None:
    found = documents.configuration("c.yaml", b"# x\nminWorkers: 1\nhandler:\n  profile: yes\n1: x\n")
    assert found.worker == {"minWorkers": 1, "handler": {"profile": True}, 1: "x"}
    assert found.line_of("handler") == 3


def test_yaml_that_is_not_utf_8_stops_the_worker() -> None:
    assert documents.configuration("c.yaml", b"# \xe9\na: 1\n").worker_error.startswith("UnicodeDecodeError")


def test_yaml_with_more_aliases_than_snakeyaml_takes() -> None:
    text = "a: &a 1\n" + "".join(f"b{n}: *a\n" for n in range(60))
    assert "aliases" in documents.configuration("c.yaml", text.encode()).frontend_error


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 3000, "a: " + "9" * 6000, "d: 2001-13-45"])
def test_hostile_yaml_ends(text: str) -> None:
    assert documents.configuration("c.yaml", text.encode()).member == "c.yaml"


def test_properties() -> None:
    text = "# c\n! d\na=1\nb : 2\nc 3\nd=\\\n  4\ne\\ f=5\\\\\nlast"
    found = [(key, value) for key, value, _ in documents.properties(text)]
    assert found == [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("e f", "5\\"), ("last", "")]


def test_requirements() -> None:
    text = b"# x\ntorch==1.10.0 ; python_version>'3'\nPillow_Simd\n-r more.txt\ntransformers[torch]>=4,<5  # y\n"
    assert documents.requirements(text) == (
        ("torch", "==1.10.0", 2),
        ("pillow-simd", "", 3),
        ("transformers", ">=4,<5", 5),
    )
