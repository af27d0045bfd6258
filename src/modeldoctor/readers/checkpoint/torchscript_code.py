"""What the code of a TorchScript archive says: which tensors are parameters, which operators and types it needs.

torch/csrc/jit/serialization/python_print.cpp writes operators of ATen as `torch.name(…)` and those of extensions as
`ops.library.name(…)`; a class body begins with the names of its parameters and buffers (`printClass`), and attributes
stand there with their type.
"""

import re
from typing import Any

from modeldoctor.readers.checkpoint.records import Root
from modeldoctor.readers.checkpoint.zip_archive import Archive

# Code that is looked through, all files together; that of the largest public models has less.
MAX_CODE_BYTES = 4 << 20
# Different names that are kept.
MAX_NAMES = 2000
_OPERATOR = re.compile(rb"\btorch\.(\w+)\(")
_FOREIGN = re.compile(rb"\bops\.(\w+)\.(\w+)\(")
_TYPE = re.compile(rb"^  \w+ : (\w+)", re.MULTILINE)
_CLASS = re.compile(
    rb"^class (\w+)\(Module\):\n  __parameters__ = \[(.*?)\]\n(?:  __buffers__ = \[(.*?)\]\n)?", re.MULTILINE
)
_TEXT = re.compile(rb'"([^"]*)"')
# torch/csrc/jit/serialization/source_range_serialization.cpp: how debug records begin since 1.11 or 1.12.
_STRING_TABLE = b"FORMAT_WITH_STRING_TABLE"

# Class name → names of its parameters and its buffers (None: the code does not say).
Members = dict[str, tuple[frozenset[str], frozenset[str] | None]]


def read_code(archive: Archive, root: Root) -> dict[str, bytes]:
    """Module (`__torch__.shop.nets`) → its code, within MAX_CODE_BYTES."""
    folder, left = root.path("code/"), MAX_CODE_BYTES
    code: dict[str, bytes] = {}
    for entry in archive.directory.entries:
        if entry.name.startswith(folder) and entry.name.endswith(".py"):
            left -= entry.size_bytes
            if left < 0:
                break
            code[entry.name[len(folder) : -3].replace("/", ".")] = archive.head(entry, entry.size_bytes)
    return code


def members_of(code: dict[str, bytes]) -> Members:
    """What the classes say of their tensors."""
    members: Members = {}
    for module, text in code.items():
        for found in _CLASS.finditer(text):
            buffers = None if found[3] is None else _names(found[3])
            members[f"{module}.{found[1].decode()}"] = (_names(found[2]), buffers)
    return members


def _names(text: bytes) -> frozenset[str]:
    return frozenset([name.decode("utf-8", "replace") for name in _TEXT.findall(text)])


def needs(archive: Archive, code: dict[str, bytes]) -> dict[str, Any]:
    """`operators` of ATen, `custom_operators` (`torchvision::nms`), `types` of attributes, form of debug records."""
    operators: set[bytes] = set()
    foreign: set[bytes] = set()
    types: set[bytes] = set()
    for text in code.values():
        operators.update(_OPERATOR.findall(text))
        foreign.update([b"::".join(pair) for pair in _FOREIGN.findall(text)])
        types.update(_TYPE.findall(text))
    debug = next((each for each in archive.directory.entries if each.name.endswith(".debug_pkl")), None)
    return {
        "operators": _sorted(operators),
        "custom_operators": _sorted(foreign),
        "types": _sorted(types),
        "string_table": debug is not None and _STRING_TABLE in archive.head(debug, 64),
    }


def _sorted(names: set[bytes]) -> tuple[str, ...]:
    return tuple(sorted(name.decode("utf-8", "replace") for name in names))[:MAX_NAMES]
