"""What the samples are forged with: opcodes, zip archives whose every field may lie, and the sample itself.

A payload does one thing: it makes the folder `{canary}`. So a test sees whether anything was executed, and nothing
else can happen, even when a sample is loaded for real to prove that it works.
"""

import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple

Content = bytes | dict[str, bytes]


class Sample(NamedTuple):
    """One hostile or broken file (or folder: file names and contents).

    `make` is given the path that the payload would create. `expect` are codes of rules that must speak; `A|B`: one of
    them. `loader` loads it for real and makes the canary: `pickle`, `torch` (weights_only=False) or None.
    """

    name: str
    make: Callable[[str], Content]
    expect: tuple[str, ...]
    loader: str | None = None
    silent: bool = False  # nothing need be said about it: only no crash, no hang, no memory


# --------------------------------------------------------------------------- opcodes

STOP = b"."
TRUE, FALSE, NONE = b"\x88", b"\x89", b"N"
EMPTY_DICT, EMPTY_LIST, EMPTY_TUPLE = b"}", b"]", b")"


def stream(*opcodes: bytes, protocol: int = 2) -> bytes:
    """A whole pickle."""
    return b"\x80" + bytes([protocol]) + b"".join(opcodes) + STOP


def text(value: str) -> bytes:
    """BINUNICODE."""
    raw = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(raw)) + raw


def data(value: bytes) -> bytes:
    """BINBYTES (protocol 3)."""
    return b"B" + struct.pack("<I", len(value)) + value


def number(value: int) -> bytes:
    """LONG1, which holds numbers of any size up to 255 bytes."""
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def named(module: str, name: str) -> bytes:
    """GLOBAL."""
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def items(*opcodes: bytes) -> bytes:
    """A tuple."""
    return b"(" + b"".join(opcodes) + b"t"


def call(function: bytes, *arguments: bytes) -> bytes:
    """REDUCE."""
    return function + items(*arguments) + b"R"


def attribute(owner: bytes, name: str) -> bytes:
    """getattr(owner, name)."""
    return call(named("builtins", "getattr"), owner, text(name))


def mkdir(canary: str) -> bytes:
    """The payload, plainly."""
    return call(named("os", "mkdir"), text(canary))


def source(canary: str) -> bytes:
    """The payload as Python source, as a text value."""
    return text(f"__import__('os').mkdir({canary!r})")


# --------------------------------------------------------------------------- archives


class Member(NamedTuple):
    """A member whose headers say what they are told to; None: the truth."""

    name: bytes | str
    content: bytes
    method: int = 0
    flags: int = 0
    crc: int | None = None
    packed_bytes: int | None = None
    size_bytes: int | None = None
    local_name: bytes | str | None = None
    local_method: int | None = None
    local_crc: int | None = None
    local_size: int | None = None
    offset: int | None = None
    raw: bytes | None = None  # the packed bytes, when they are no deflation of the content


def archive(*members: Member, comment: bytes = b"", count: int | None = None) -> bytes:
    """A zip of these members."""
    body, directory = b"", b""
    for member in members:
        name = _raw(member.name)
        packed = member.raw if member.raw is not None else _pack(member.content, member.method)
        crc = zlib.crc32(member.content) if member.crc is None else member.crc
        packed_bytes = len(packed) if member.packed_bytes is None else member.packed_bytes
        size_bytes = len(member.content) if member.size_bytes is None else member.size_bytes
        offset = len(body) if member.offset is None else member.offset
        local_name = name if member.local_name is None else _raw(member.local_name)
        local_size = size_bytes if member.local_size is None else member.local_size
        local_packed = packed_bytes if member.local_size is None else member.local_size
        local_method = member.method if member.local_method is None else member.local_method
        local_crc = crc if member.local_crc is None else member.local_crc
        fields = (20, member.flags, local_method, 0, 33, local_crc, local_packed, local_size, len(local_name), 0)
        body += struct.pack("<4s5H3I2H", b"PK\3\4", *fields) + local_name + packed
        fields = (20, 20, member.flags, member.method, 0, 33, crc, packed_bytes, size_bytes, len(name), 0, 0, 0, 0, 0)
        directory += struct.pack("<4s6H3I5H2I", b"PK\1\2", *fields, offset) + name
    number_of = len(members) if count is None else count
    fields = (0, 0, number_of, number_of, len(directory), len(body), len(comment))
    return body + directory + struct.pack("<4s4H2IH", b"PK\5\6", *fields) + comment


def _raw(name: bytes | str) -> bytes:
    return name if isinstance(name, bytes) else name.encode()


def _pack(content: bytes, method: int) -> bytes:
    return zlib.compress(content, 9, -15) if method == 8 else content


TENSOR_BYTES = struct.pack("<4f", 1, 2, 3, 4)


def storage(key: str = "0", numel: int = 4, device: str = "cpu", *view: bytes) -> bytes:
    """A persistent id; in the legacy format it ends with a view, which is None."""
    return items(text("storage"), named("torch", "FloatStorage"), text(key), text(device), number(numel), *view) + b"Q"


STORAGE = storage()


def tensor(
    stored: bytes = STORAGE, offset: int = 0, shape: tuple[int, ...] = (4,), strides: tuple[int, ...] = (1,)
) -> bytes:
    """_rebuild_tensor_v2 of one storage."""
    sizes, steps = items(*map(number, shape)), items(*map(number, strides))
    hooks = call(named("collections", "OrderedDict"))
    return call(named("torch._utils", "_rebuild_tensor_v2"), stored, number(offset), sizes, steps, FALSE, hooks)


def state_dict(extra: bytes = b"", stored: bytes = STORAGE) -> bytes:
    """The opcodes of {"w": tensor, …extra pairs}."""
    return EMPTY_DICT + b"(" + text("w") + tensor(stored) + extra + b"u"


def torch_members(pickle: bytes, root: str = "archive") -> list[Member]:
    """The members of a torch.save zip."""
    return [
        Member(f"{root}/data.pkl", pickle),
        Member(f"{root}/byteorder", b"little"),
        Member(f"{root}/data/0", TENSOR_BYTES),
        Member(f"{root}/version", b"3\n"),
    ]


def torch_zip(*opcodes: bytes, protocol: int = 2) -> bytes:
    """A torch.save zip with this object."""
    return archive(*torch_members(stream(*opcodes, protocol=protocol)))


def with_payload(*payload: bytes, protocol: int = 2) -> bytes:
    """A torch.save zip with a good tensor, and the payload as the value of another key."""
    return torch_zip(state_dict(text("x") + b"".join(payload)), protocol=protocol)
