"""How figures and names are worded in messages and reports."""

from collections.abc import Iterable, Sequence

_SHOWN_NAME = 80  # a key of a hostile file may be megabytes long
_MOST = 1 << 80  # Python refuses to print integers of more than 4,300 digits; a pickle can hold them


def size(size_bytes: int) -> str:
    """Bytes on disk as people's file managers show them: decimal, `97.8 MB`."""
    if size_bytes < 1000:
        return count(size_bytes, "byte")
    value = float(min(size_bytes, _MOST))
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.95 or unit == "TB":
            break
    return f"{value:.1f} {unit}"


def memory(size_bytes: int) -> str:
    """Bytes in memory, binary as GPUs are sold: `97.5 MiB`."""
    if size_bytes < 1024:
        return count(size_bytes, "byte")
    value = float(min(size_bytes, _MOST))
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        value /= 1024
        if value < 1023.95 or unit == "TiB":
            break
    return f"{value:.1f} {unit}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 tensor`, `20,000 tensors`, `2 entries`."""
    return f"{min(number, _MOST):,} {noun if number == 1 else plural or noun + 's'}"


def share(part: int, whole: int) -> str:
    """`62 %`; never `0 %` or `100 %` of something that is neither nothing nor all."""
    if not part or not whole:
        return "0 %"
    if part >= whole:
        return "100 %"
    percent = (200 * part + whole) // (2 * whole)
    return "under 1 %" if percent == 0 else "over 99 %" if percent == 100 else f"{percent} %"


def quoted(name: str, most: int = _SHOWN_NAME) -> str:
    """A name from a file, in backticks, on one line and not too long."""
    line = " ".join(name.split()) if any(character.isspace() for character in name) else name
    if len(line) > most:
        line = line[: most - 1] + "…"
    return f"`{line}`"


def listing(names: Iterable[str], shown: int = 3) -> str:
    """The first names in backticks and how many are left: `a`, `b`, `c` and 7 more."""
    names = names if isinstance(names, Sequence) else list(names)
    first = [quoted(name) for name in names[:shown]]
    left = len(names) - len(first)
    if left:
        return f"{', '.join(first)} and {left:,} more"
    return " and ".join(filter(None, (", ".join(first[:-1]), first[-1] if first else "")))


def argument(path: str) -> str:
    """A path as one word of a shell command that users paste: names of files may hold anything."""
    word = path if path[:1] != "-" else f"./{path}"
    if word and all(character.isalnum() or character in "_-./+@%=:," for character in word):
        return word
    return "'" + word.replace("'", "'\"'\"'") + "'"


def literal(text: str) -> str:
    """A text as a Python literal in code that users paste: keys of a hostile file may hold quotes and code."""
    return f'"{text}"' if text.isprintable() and not set(text) & {'"', "\\"} else repr(text)


def did_you_mean(text: str, names: Iterable[str]) -> str:
    """`; did you mean …?` with up to three similar names, or nothing."""
    from difflib import get_close_matches

    known = {name.lower(): name for name in names}
    close = [f"`{known[name]}`" for name in get_close_matches(text.lower(), known, n=3, cutoff=0.6)]
    return f"; did you mean {' or '.join(close)}?" if close else ""
