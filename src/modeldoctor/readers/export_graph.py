"""The graph of an exported program (`.pt2`), as far as its memory goes: which values live from where to where.

torch/_export/serde/schema.py: `graph_module.graph` has `inputs`, `outputs`, `nodes` with `target`, `inputs` and
`outputs`, and `tensor_values` with dtype, sizes and strides. Nothing is executed.
"""

from collections.abc import Iterator
from typing import Any

from modeldoctor.errors import ReadError
from modeldoctor.facts.memory import Graph, Value
from modeldoctor.readers.checkpoint import bounded_json
from modeldoctor.readers.checkpoint.zip_directory import Entry, read_directory
from modeldoctor.storage import File

# torch/_export/serde/schema.py, ScalarType → bytes of an element.
_ITEM = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 2, 7: 4, 8: 8, 9: 4, 10: 8, 11: 16, 12: 1, 13: 2, 28: 2, 29: 1, 30: 1, 31: 1,
         32: 1, 33: 1}  # fmt: skip
# Operations whose result shows the memory of their first argument.
_VIEWS = frozenset(
    ("view", "_unsafe_view", "reshape", "permute", "transpose", "t", "unsqueeze", "squeeze", "expand", "slice",
     "select", "alias", "detach", "unbind", "split", "split_with_sizes", "chunk", "narrow", "flatten", "unflatten",
     "as_strided", "diagonal", "unfold", "real", "view_as_real", "view_as_complex", "expand_as", "view_as", "numpy_T",
     "mT", "to",
     "movedim", "swapaxes", "contiguous", "dropout", "_assert_tensor_metadata", "getitem")
)  # fmt: skip
_RECURRENT = frozenset(("lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "_thnn_fused_lstm_cell"))
# torch.export.save: `models/model.json` since 2.8, `serialized_exported_program.json` before.
_NAMES = ("models/model.json", "serialized_exported_program.json")
# The graph of the largest published exports has under 100,000 nodes.
MAX_NODES = 300_000
MAX_BYTES = 64 << 20


def read_graph(path: str) -> Graph:
    """The graph in a `.pt2` file; ReadError when it has none that can be read."""
    with File(path) as file:
        found = next((entry for entry in read_directory(file).entries if entry.name.endswith(_NAMES)), None)
        if found is None or found.method != 0 or found.size_bytes > MAX_BYTES:
            raise ReadError("the archive has no graph")
        data = file.read_at(_data_offset(file, found), found.size_bytes)
    return graph_of(bounded_json.parse(data))


def _data_offset(file: File, entry: Entry) -> int:
    """Behind the local header: 30 bytes, then its own name and extra field (APPNOTE 4.3.7)."""
    head = file.read_at(entry.offset, 30)
    return entry.offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")


def graph_of(document: Any) -> Graph:
    """The liveness of a parsed graph; ReadError when it is not of the form above."""
    try:
        graph = document["graph_module"]["graph"]
        nodes, tensors = graph["nodes"], graph["tensor_values"]
        if len(nodes) > MAX_NODES or len(tensors) > MAX_NODES:
            raise ReadError(f"the graph has more than {MAX_NODES:,} nodes", kind="limit")
        return _Liveness(graph, document["graph_module"]["signature"], nodes, tensors).result()
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise ReadError(f"the graph is not of a form that is known: {type(error).__name__}") from error


class _Liveness:
    """The state of one pass over the nodes."""

    def __init__(self, graph: Any, signature: Any, nodes: list[Any], tensors: dict[str, Any]) -> None:
        self.tensors = tensors
        self.nodes = nodes
        self.batch: int | None = None
        self.first: dict[str, int] = {}
        self.last: dict[str, int] = {}
        self.alias: dict[str, str] = {}
        self.convolution = 0
        self.recurrent = False
        # Inputs that the user passes live as long as the call; weights are no activations.
        self.inputs = [
            name for spec in signature["input_specs"] if "user_input" in spec for name in _names(spec["user_input"])
        ]
        self.outputs = list(_names(graph["outputs"]))

    def result(self) -> Graph:
        """Every value with its first and last step."""
        for name in self.inputs:
            if name in self.tensors:
                self.first[name], self.last[name] = 0, len(self.nodes) + 1
                self.batch = self.batch if self.batch is not None else self.dynamic(name)
        for step, node in enumerate(self.nodes, 1):
            self.visit(step, node)
        for name in self.outputs:
            if name in self.first:
                self.last[name] = len(self.nodes) + 1
        values = tuple(
            Value(name, self.size(name), step, self.last.get(name, step), self.alias.get(name))
            for name, step in self.first.items()
        )
        return Graph(values, len(self.nodes), self.batch, self.convolution, self.recurrent)

    def visit(self, step: int, node: Any) -> None:
        """The results of a node begin here, and its arguments live at least until here."""
        operation = str(node["target"]).removeprefix("torch.ops.aten.").split(".")[0]
        arguments = [name for item in node["inputs"] for name in _names(item["arg"])]
        for name in arguments:
            if name in self.first:
                self.last[name] = max(self.last.get(name, 0), step)
        for name in _names(node["outputs"]):
            if name not in self.tensors or name in self.first:
                continue
            self.first[name] = self.last[name] = step
            if (operation in _VIEWS or operation.endswith("_")) and arguments:
                # What shows the memory of a weight is no memory of its own either.
                self.alias[name] = arguments[0] if arguments[0] in self.first else name
                if arguments[0] not in self.first:
                    del self.first[name], self.last[name], self.alias[name]
                    continue
            if "conv" in operation:
                self.convolution = max(self.convolution, self.size(name))
        self.recurrent = self.recurrent or operation in _RECURRENT

    def size(self, name: str) -> int:
        """Bytes of a value; a dynamic size counts as the one that was exported."""
        tensor = self.tensors[name]
        size = _ITEM.get(tensor["dtype"], 4)
        for dimension in tensor["sizes"]:
            size *= _dimension(dimension)
        return min(size, 1 << 50)

    def dynamic(self, name: str) -> int | None:
        """The size of the first dimension, when it may differ."""
        sizes = self.tensors[name]["sizes"]
        return _dimension(sizes[0]) if sizes and "as_expr" in sizes[0] else None


def _dimension(value: Any) -> int:
    """`{"as_int": 3}`, or `{"as_expr": {"hint": {"as_int": 3}}}`."""
    found = value["as_int"] if "as_int" in value else (value["as_expr"].get("hint") or {}).get("as_int")
    if not isinstance(found, int) or not 0 <= found < 1 << 40:
        raise ValueError(found)
    return found


def _names(value: Any) -> Iterator[str]:
    """The names of all tensors in an argument, however they are packed in lists and variants."""
    pending = [value]
    while pending:
        item = pending.pop(0)
        if isinstance(item, list):
            pending = [*item, *pending]
        elif isinstance(item, dict):
            for key, inner in item.items():
                if key == "as_tensor" and isinstance(inner, dict) and isinstance(inner.get("name"), str):
                    yield inner["name"]
                elif key in {"as_tensors", "as_optional_tensors", "as_optional_tensor", "as_nested_tensors", "arg"}:
                    pending.append(inner)
                elif (
                    key == "name"
                    and len(item) <= 2
                    and isinstance(inner, str)
                    and not isinstance(item.get("arg"), dict)
                ):
                    yield inner
