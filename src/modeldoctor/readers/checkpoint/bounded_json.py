"""JSON from untrusted bytes: parsed whole or refused, in memory that is bounded before parsing begins."""

import json
from collections.abc import Callable
from typing import Any

from modeldoctor.errors import ReadError
from modeldoctor.storage import Source

# The largest text that is parsed; the index of a model of a thousand shards has a tenth of it.
MAX_BYTES = 32 << 20
# Every value but the first stands behind one of these. Each costs up to 100 bytes of memory once parsed.
_STRUCTURE = (b",", b"[", b"{")
MAX_VALUES = 2_000_000

Pairs = list[tuple[str, Any]]


def read(source: Source, limit: int = MAX_BYTES) -> Any:
    """The value that a whole file of at most `limit` bytes holds; ReadError as in `parse`."""
    if source.size > limit:
        raise ReadError(f"JSON text of {source.size:,} bytes is above the limit of {limit:,}", kind="limit")
    return parse(source.read_at(0, source.size).removeprefix(b"\xef\xbb\xbf"))


def parse(data: bytes, *, pairs: Callable[[Pairs], Any] | None = None, lax: bool = True) -> Any:
    """The value that the text holds; ReadError for invalid text (`damaged`) and for too much of it (`limit`).

    `pairs` is given the members of each object and returns what stands for it. `lax` lets NaN and infinity pass, which
    Python writes and other readers refuse.
    """
    if len(data) > MAX_BYTES:
        raise ReadError(f"JSON text of {len(data):,} bytes is above the limit of {MAX_BYTES:,}", kind="limit")
    values = sum(data.count(mark) for mark in _STRUCTURE)
    if values > MAX_VALUES:
        raise ReadError(f"JSON text of {values:,} values is above the limit of {MAX_VALUES:,}", kind="limit")
    try:
        text = data.decode()
        return json.loads(text, object_pairs_hook=pairs, parse_constant=None if lax else _refuse)
    except UnicodeDecodeError as error:
        raise ReadError(f"JSON text is not UTF-8 at byte {error.start:,}", byte=error.start) from error
    except json.JSONDecodeError as error:
        raise ReadError(f"invalid JSON at byte {error.pos:,}: {_lower(error.msg)}", byte=error.pos) from error
    except RecursionError as error:
        raise ReadError("JSON text is nested too deeply", kind="limit") from error
    except ValueError as error:  # a number of more than 4300 digits, or one that `_refuse` met
        raise ReadError(f"invalid JSON: {_lower(str(error))}") from error


def _refuse(constant: str) -> Any:
    raise ValueError(f"`{constant}` is no JSON value")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:].split(";", 1)[0]
