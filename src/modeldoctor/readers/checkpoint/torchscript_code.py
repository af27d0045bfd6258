"""What the code of a TorchScript archive needs of the release that loads it: operators and types.

torch/csrc/jit/serialization/python_print.cpp writes operators of ATen as `torch.name(…)` and those of extensions as
`ops.library.name(…)`; attributes of modules stand with their type in the class body.
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
# torch/csrc/jit/serialization/source_range_serialization.cpp: how debug records begin since 1.11 or 1.12.
_STRING_TABLE = b"FORMAT_WITH_STRING_TABLE"


def needs(archive: Archive, root: Root) -> dict[str, Any]:
    """`operators` of ATen, `custom_operators` (`torchvision::nms`), `types` of attributes, form of debug records."""
    folder, left = root.path("code/"), MAX_CODE_BYTES
    operators: set[bytes] = set()
    foreign: set[bytes] = set()
    types: set[bytes] = set()
    for entry in archive.directory.entries:
        if not (entry.name.startswith(folder) and entry.name.endswith(".py")):
            continue
        left -= entry.size_bytes
        if left < 0:
            break
        code = archive.head(entry, entry.size_bytes)
        operators.update(_OPERATOR.findall(code))
        foreign.update([b"::".join(pair) for pair in _FOREIGN.findall(code)])
        types.update(_TYPE.findall(code))
    debug = next((each for each in archive.directory.entries if each.name.endswith(".debug_pkl")), None)
    return {
        "operators": _sorted(operators),
        "custom_operators": _sorted(foreign),
        "types": _sorted(types),
        "string_table": debug is not None and _STRING_TABLE in archive.head(debug, 64),
    }


def _sorted(names: set[bytes]) -> tuple[str, ...]:
    return tuple(sorted(name.decode("utf-8", "replace") for name in names))[:MAX_NAMES]
