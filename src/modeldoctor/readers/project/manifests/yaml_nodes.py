"""YAML as nodes with line numbers, built from parser events: nothing is constructed, aliases are not expanded."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from modeldoctor.facts.pins import Flaw

MAX_DEPTH = 60
MAX_NODES = 200_000


class Node(NamedTuple):
    """A scalar (`text`), a list (`items`) or a mapping (`pairs`). An alias is the very node that it names."""

    line: int
    text: str | None = None
    items: "list[Node] | None" = None
    pairs: "list[tuple[Node, Node]] | None" = None

    def get(self, *keys: str) -> "Node | None":
        """The value under a path of keys; None when it isn't there. Of a key written twice, the last."""
        node: Node | None = self
        for key in keys:
            found = [value for name, value in (node.pairs or ()) if name.text == key] if node else []
            node = found[-1] if found else None
        return node

    def string(self, *keys: str) -> str:
        """The scalar under a path of keys; `""` when there is none."""
        node = self.get(*keys)
        return (node.text or "") if node else ""

    def each(self, *keys: str) -> "list[Node]":
        """The elements of the list under a path of keys; a scalar counts as a list of one."""
        node = self.get(*keys)
        if node is None:
            return []
        return [node] if node.text is not None else list(node.items or ())


def documents(text: str, path: str, flaws: list[Flaw]) -> list[Node]:
    """The documents of a YAML text, as far as it can be parsed; why it stopped goes to `flaws`."""
    import yaml

    roots: list[Node] = []
    stack: list[tuple[Node, list[Node]]] = []
    try:
        for root in _build(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)), stack):
            roots.append(root)  # noqa: PERF402 - what came before an error is kept
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        flaws.append(Flaw("syntax", f"is not valid YAML: {problem}", path, mark.line + 1 if mark else None, fatal=True))
    except _LimitError as error:
        flaws.append(Flaw("limit", str(error), path, error.line))
    while stack:  # what was open when it stopped
        node = _close(stack)
        if not stack:
            roots.append(node)
    return roots


class _LimitError(Exception):
    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def _close(stack: list[tuple[Node, list[Node]]]) -> Node:
    """End the innermost list or mapping; it goes to the one around it."""
    node, children = stack.pop()
    if node.items is not None:
        node.items.extend(children)
    elif node.pairs is not None:
        node.pairs.extend(zip(children[::2], children[1::2], strict=False))
    if stack:
        stack[-1][1].append(node)
    return node


def _build(events: Iterator[Any], stack: list[tuple[Node, list[Node]]]) -> Iterator[Node]:
    """Trees from events, without recursion; `stack` holds what is open."""
    anchors: dict[str, Node] = {}
    for count, event in enumerate(events):
        name = type(event).__name__
        line = event.start_mark.line + 1
        if count > MAX_NODES or len(stack) > MAX_DEPTH:
            what = f"nested deeper than {MAX_DEPTH}" if len(stack) > MAX_DEPTH else f"more than {MAX_NODES} values"
            raise _LimitError(f"the YAML is {what}; the rest was not read", line)
        if name == "DocumentStartEvent":
            anchors = {}
        elif name in {"SequenceStartEvent", "MappingStartEvent"}:
            node = Node(line, items=[]) if name.startswith("S") else Node(line, pairs=[])
            stack.append((node, []))
            anchors[event.anchor or ""] = node
        elif name in {"SequenceEndEvent", "MappingEndEvent"}:
            node = _close(stack)
            if not stack:
                yield node
        elif name in {"ScalarEvent", "AliasEvent"}:
            if name == "ScalarEvent":
                node = anchors[event.anchor or ""] = Node(line, text=event.value)
            else:
                node = anchors.get(event.anchor) or Node(line, text="")
            if stack:
                stack[-1][1].append(node)
            else:
                yield node
