"""The opcodes that push texts, bytes and numbers: one small function each, as in `pickle_opcodes`."""

import warnings
from codecs import escape_decode
from struct import Struct

from modeldoctor.readers.checkpoint.pickle_state import MAX_INTEGER_BYTES, MAX_KEPT_BYTES, Machine, Stopped
from modeldoctor.readers.checkpoint.pickle_values import Blob

_F8 = Struct(">d")

# --------------------------------------------------------------------------- text and bytes


def _sized(m: Machine, head: int) -> int:
    """The length that the 1, 4 or 8 bytes behind the opcode give; `pos` moves behind them."""
    at = m.take(1 + head)
    size = int.from_bytes(m.data[at + 1 : at + 1 + head], "little")
    m.pos += 1 + head
    if m.base + m.pos + size > m.source.size:
        raise Stopped(f"a value of {size:,} bytes reaches behind the end", "truncated")
    return size


def _raw(m: Machine, size: int) -> tuple[bytes, bool]:
    """The next bytes; of many only the first, and whether they are all."""
    kept = min(size, MAX_KEPT_BYTES)
    at = m.take(kept)
    raw = m.data[at : at + kept]
    m.step_over(size)
    return raw, kept == size


def text(m: Machine, head: int) -> None:
    """BINUNICODE and its kin."""
    size = _sized(m, head)
    offset = m.base + m.pos
    raw, whole = _raw(m, size)
    if whole:
        m.stack.append(str(raw, "utf-8", "surrogatepass"))
    else:
        m.stack.append(Blob(str(raw, "utf-8", "replace"), size, offset))


def raw_bytes(m: Machine, head: int) -> None:
    """BINBYTES and its kin; a bytearray is bytes here."""
    size = _sized(m, head)
    offset = m.base + m.pos
    raw, whole = _raw(m, size)
    m.suspect(raw, size, offset)
    m.stack.append(raw if whole else Blob(raw, size, offset))


def string(m: Machine, head: int) -> None:
    """BINSTRING and SHORT_BINSTRING, the `str` of Python 2."""
    position = m.position
    raw_bytes(m, head)
    value = m.stack[-1]
    if type(value) is bytes:
        m.stack[-1] = _decoded(m, value, "SHORT_BINSTRING" if head == 1 else "BINSTRING", position)


def _decoded(m: Machine, value: bytes, opcode: str, position: int) -> str | bytes:
    """torch.load decodes strings of Python 2 as UTF-8 (`encoding="utf-8"`), and fails where that fails."""
    try:
        return str(value, "utf-8")
    except UnicodeDecodeError:
        m.event("opcode", opcode, "not UTF-8", position)
        return value


def text_string(m: Machine) -> None:
    """STRING: a quoted Python 2 literal."""
    line, width = m.line()
    raw = line.strip()
    if len(raw) < 2 or raw[0] != raw[-1] or raw[0] not in b"\"'":
        raise Stopped("the operand of STRING is not quoted")
    raw = raw[1:-1]
    if b"\\" in raw:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # unknown escapes are kept as they are, as Python 2 did
            raw = escape_decode(raw)[0]
    m.suspect(raw, len(raw))
    m.stack.append(_decoded(m, raw, "STRING", m.position))
    m.pos += width


def unicode_line(m: Machine) -> None:
    """UNICODE."""
    line, width = m.line()
    m.stack.append(str(line, "raw-unicode-escape"))
    m.pos += width


# --------------------------------------------------------------------------- numbers


def int_line(m: Machine) -> None:
    """INT, and the booleans of protocol 0."""
    line, width = m.line()
    m.stack.append(True if line == b"01" else False if line == b"00" else int(line, 0))
    m.pos += width


def long_line(m: Machine) -> None:
    """LONG: digits with an L behind them."""
    line, width = m.line()
    m.stack.append(int(line[:-1] if line[-1:] == b"L" else line, 0))
    m.pos += width


def float_line(m: Machine) -> None:
    """FLOAT."""
    line, width = m.line()
    m.stack.append(float(line))
    m.pos += width


def binfloat(m: Machine) -> None:
    """BINFLOAT, big-endian as nothing else."""
    at = m.take(9)  # before `m.data`, which it may renew
    m.stack.append(_F8.unpack_from(m.data, at + 1)[0])
    m.pos += 9


def long(m: Machine, head: int) -> None:
    """LONG1 and LONG4."""
    size = _sized(m, head)
    if head == 4 and size > 0x7FFFFFFF:
        raise Stopped("an integer of negative length")
    offset = m.base + m.pos
    if size > MAX_INTEGER_BYTES:
        m.step_over(size)
        m.stack.append(Blob(f"an integer of {size:,} bytes", size, offset))
        return
    raw, _ = _raw(m, size)
    m.stack.append(int.from_bytes(raw, "little", signed=True))
