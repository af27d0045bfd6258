"""Calls that load a model, by the catalogue in `tables/loaders.json`."""

from functools import cache
from typing import NamedTuple

from modeldoctor.readers.source.syntax import CallSite
from modeldoctor.tables import table


class Loader(NamedTuple):
    """A function that loads: its dotted name, what (weights, tokenizer, architecture, data), from where."""

    name: str
    kind: str
    reads: str


@cache
def _catalogue() -> dict[str, list[dict[str, object]]]:
    """Entries by package."""
    entries: dict[str, list[dict[str, object]]] = {}
    for entry in table("loaders")["loaders"]:
        entries.setdefault(entry["package"], []).append(entry)
    return entries


@cache
def packages() -> frozenset[str]:
    """The libraries of the catalogue. `models` is what copies of YOLO call their own folder."""
    return frozenset(_catalogue()) - {"models"}


@cache
def last_words() -> frozenset[str]:
    """The last parts of all loader names: what a file must mention to be worth resolving."""
    words = set()
    for entries in _catalogue().values():
        for entry in entries:
            words |= {str(name).rpartition(".")[2].removesuffix("[]") for name in entry["names"]}  # type: ignore[attr-defined]
    return frozenset(words - {"*"})


def loader(dotted: str, call: CallSite, extra: tuple[str, ...] = ()) -> Loader | None:
    """The loader that a resolved dotted name is, or None. `extra` are names from the configuration."""
    if dotted in extra:
        return Loader(dotted, "weights", "either")
    package, _, rest = dotted.partition(".")
    for entry in _catalogue().get(package, ()):
        exact = bool(entry.get("exact"))
        if any(rest == name if exact else _matches(rest, str(name)) for name in entry["names"]):  # type: ignore[attr-defined]
            kind = str(entry["kind"])
            if kind == "architecture" and _asks_for_weights(call, entry["weights_when"]):  # type: ignore[arg-type]
                kind = "weights"
            return Loader(dotted, kind, str(entry["reads"]))
    return None


def _asks_for_weights(call: CallSite, keywords: list[str]) -> bool:
    """`pretrained=True`, `weights=…`; also `resnet18(True)`, the old positional form."""
    for text in call.arguments:
        name, equals, value = text.partition("=")
        if not equals or name not in keywords:
            continue
        # `pretrained=flag` may be either; a name given to `weights=` is that of some
        if value == "True" or (value not in {"None", "False"} and not name.startswith("pretrained")):
            return True
    return bool(call.arguments) and call.arguments[0] == "True"  # the old positional form


def _matches(rest: str, name: str) -> bool:
    """`*.from_pretrained` matches by suffix, `models.*` by prefix, others at the end of the dotted name."""
    if ("()" in rest and "()" not in name) or "_Weights." in rest:
        return False  # a method of an object that was made: `resnet18().eval`, or `ResNet18_Weights.DEFAULT.transforms`
    if name == "*":
        return True
    if name.startswith("*") and name[1:2] != ".":
        return rest.endswith(name[1:])
    if name.startswith("*."):
        return rest.endswith(name[1:])
    if name.endswith(".*"):
        return rest.startswith(name[:-1])
    return rest == name or rest.endswith(f".{name}")
