"""Tensor names as a tree: repeated blocks merged, what lies below a depth folded."""

from itertools import count as count_from
from itertools import groupby
from typing import Any, NamedTuple

from modeldoctor.facts.checkpoint import Tensor
from modeldoctor.readers.checkpoint.dtypes import ITEM_BYTES
from modeldoctor.reporters.text import Line, clip, line, printable
from modeldoctor.wording import count, memory

# Names are split at so many dots; what follows stays in one piece. Deeper than real models nest.
DEPTH_LIMIT = 64

# Without --depth the tree goes as deep as it can within so many lines.
LINES = 40

# So many tensors of the same shape in a row share a line.
JOINED = 4

NAME_WIDTH = 48
SHAPE_WIDTH = 28


class Branch(NamedTuple):
    """A tensor, or what shares the beginning of a name; possibly several that were merged.

    `content` is equal for branches that differ in nothing but their name. Figures are of all that
    were merged, those of the children of one.
    """

    name: str
    shape: str
    dtype: str
    children: "tuple[Branch, ...]"
    content: int
    tensors: int
    size_bytes: int


def tree(tensors: tuple[Tensor, ...], depth: int | None) -> list[Line]:
    """The lines of the tree: to `depth` levels, or as deep as fits."""
    branches = _branches(_nested(tensors), {})
    rows = _rows(branches, depth or _fitting(branches), "", top=True)
    shown = rows if depth else rows[: LINES + 1]
    left = len(rows) - len(shown)
    more = [line((f"  … and {left:,} more (--tensors lists all)", "dim"))] if left else []
    return _table(shown) + more


def _table(rows: list[tuple[str, Branch]]) -> list[Line]:
    names = min(max((len(lead + branch.name) for lead, branch in rows), default=0), NAME_WIDTH)
    shapes = max((len(branch.shape) for _, branch in rows), default=0)
    dtypes = max((len(branch.dtype) for _, branch in rows), default=0)
    return [
        line(
            (f"  {lead}", "dim"),
            f"{clip(branch.name, names - len(lead)):<{names - len(lead)}}  {branch.shape:>{shapes}}  ",
            (f"{branch.dtype:<{dtypes}}", "code"),
            f"  {memory(branch.size_bytes):>10}",
            wrap=False,
        )
        for lead, branch in rows
    ]


def shape(tensor: Tensor) -> str:
    """`64×3×7×7`."""
    return clip("×".join(str(min(size, 1 << 63)) for size in tensor.shape), SHAPE_WIDTH) or "scalar"


def size_bytes(tensor: Tensor) -> int:
    """What its elements take when they lie side by side; 0 for a dtype of unknown size."""
    return tensor.numel * ITEM_BYTES.get(tensor.dtype, 0)


def _nested(tensors: tuple[Tensor, ...]) -> dict[str, Any]:
    """Names → tensors or the same again."""
    root: dict[str, Any] = {}
    numbers = count_from(2)
    for tensor in tensors:
        *parents, name = map(printable, tensor.path.split(".", DEPTH_LIMIT))
        node = root
        for parent in parents:
            below = node.setdefault(parent, {})
            if not isinstance(below, dict):  # the key of a tensor is also the beginning of another's
                below = node[parent] = {"(itself)": below}
            node = below
        while name in node:  # keys that differ in nothing that a path shows
            name = f"{name} #{next(numbers)}"
        node[name] = tensor
    return root


def _branches(node: dict[str, Any], contents: dict[Any, int]) -> tuple[Branch, ...]:
    """The children of a node. `contents` numbers what has been seen, so that equal content is one comparison."""
    children = [_branch(name, child, contents) for name, child in node.items()]
    merged = []
    for (_, below), run in groupby(children, lambda child: (child.content, _below_number(child.name))):
        alike = list(run)
        if below is not None and len(alike) > 1:
            first, last = (item.name.split(".")[0] for item in (alike[0], alike[-1]))
            merged.append(_merged(alike, f"{first} … {last} ({len(alike)}×){below}"))
        elif 1 < len(alike) <= JOINED and not alike[0].children:
            merged.append(_merged(alike, ", ".join(item.name for item in alike)))
        else:
            merged += alike
    return tuple(merged)


def _below_number(name: str) -> str | None:
    """What follows the number that a name begins with (`.block` of `11.block`); None without a number."""
    number, dot, below = name.partition(".")
    return dot + below if number.isdecimal() else None


def _branch(name: str, child: Any, contents: dict[Any, int]) -> Branch:
    while isinstance(child, dict) and len(child) == 1:
        below, child = next(iter(child.items()))
        name = f"{name}.{below}"
    if isinstance(child, Tensor):
        content = contents.setdefault((child.shape, child.dtype, child.kind), len(contents))
        return Branch(name, shape(child), child.dtype, (), content, 1, size_bytes(child))
    children = _branches(child, contents)
    content = contents.setdefault(tuple((item.name, item.content) for item in children), len(contents))
    return _folded(name, children, content, 1)


def _merged(alike: list[Branch], name: str) -> Branch:
    """A run of branches with the same content as one."""
    first, times = alike[0], len(alike)
    if not first.children:
        return first._replace(
            name=name, shape=f"{first.shape} each", tensors=times, size_bytes=times * first.size_bytes
        )
    return _folded(name, first.children, first.content, times)


def _folded(name: str, children: tuple[Branch, ...], content: int, times: int) -> Branch:
    tensors = times * sum(child.tensors for child in children)
    dtypes = {child.dtype for child in children}
    dtype = dtypes.pop() if len(dtypes) == 1 else "mixed"
    size = times * sum(child.size_bytes for child in children)
    return Branch(name, count(tensors, "tensor"), dtype, children, content, tensors, size)


def _fitting(branches: tuple[Branch, ...]) -> int:
    """The greatest depth at which the tree still fits."""
    depth, height = 1, len(branches)
    while (deeper := _height(branches, depth + 1)) > height and deeper <= LINES:
        depth, height = depth + 1, deeper
    return depth


def _height(branches: tuple[Branch, ...], depth: int) -> int:
    """How many lines the tree takes."""
    return sum(1 + (_height(branch.children, depth - 1) if depth > 1 else 0) for branch in branches)


def _rows(branches: tuple[Branch, ...], depth: int, indent: str, *, top: bool = False) -> list[tuple[str, Branch]]:
    """Each line's branch signs and what follows."""
    rows = []
    for branch in branches:
        last = branch is branches[-1]
        rows.append((indent + ("" if top else "└─ " if last else "├─ "), branch))
        if depth > 1:
            rows += _rows(branch.children, depth - 1, indent + ("" if top else "   " if last else "│  "))
    return rows
