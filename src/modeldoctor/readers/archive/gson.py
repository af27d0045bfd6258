"""JSON as the frontend takes it: Gson 2.9.0, which `fromJson` makes lenient (gson/stream/JsonReader.java)."""

from typing import Any

from modeldoctor.errors import ReadError

# Gson goes on until the stack of the JVM ends; no manifest is nested.
MAX_DEPTH = 100
# What ends a literal without quotes: JsonReader.isLiteral.
_ENDS = frozenset('/\\;#{}[]:=,"' + "' \t\f\r\n")
_ESCAPES = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f", "\n": "\n", "'": "'", '"': '"', "\\": "\\", "/": "/"}


class Bare(str):
    """A literal without quotes: a number, `true`, `false` or any other word."""

    __slots__ = ()


def parse(text: str) -> Any:
    """The value of a lenient JSON text; None for one without content. ReadError with the offset where Gson gives up.

    Numbers and booleans stay text (`Bare`), for a field of Java that is a String takes them as such.
    """
    reader = _Reader(text.removeprefix("\ufeff"))
    reader.skip()
    if reader.at == len(reader.text):
        return None
    value = reader.value(0)
    reader.skip()
    if reader.at < len(reader.text):
        raise ReadError("JSON document was not fully consumed", byte=reader.at)
    return value


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 5 if text.startswith(")]}'\n") else 0

    def fail(self, message: str) -> ReadError:
        return ReadError(message, byte=self.at)

    def peek(self) -> str:
        self.skip()
        return self.text[self.at : self.at + 1]

    def skip(self) -> None:
        """White space and comments of three kinds."""
        text = self.text
        while self.at < len(text):
            if text[self.at] in " \t\r\n":
                self.at += 1
            elif text[self.at] == "#" or text.startswith("//", self.at):
                end = text.find("\n", self.at)
                self.at = len(text) if end < 0 else end + 1
            elif text.startswith("/*", self.at):
                end = text.find("*/", self.at + 2)
                if end < 0:
                    raise self.fail("Unterminated comment")
                self.at = end + 2
            else:
                return

    def value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise self.fail(f"nested deeper than {MAX_DEPTH}")
        first = self.peek()
        if first == "{":
            self.at += 1
            return self.mapping(depth + 1)
        if first == "[":
            self.at += 1
            return self.sequence(depth + 1)
        if first and first in "\"'":
            return self.quoted()
        word = self.bare()
        return None if word.lower() == "null" else word

    def mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        separator = ""
        while (first := self.peek()) != "}" or separator:
            if not first:
                raise self.fail("End of input")
            if first == "}":
                raise self.fail("Expected name")
            name = self.quoted() if first in "\"'" else str(self.bare())
            if (sign := self.peek()) not in {":", "="}:
                raise self.fail("Expected ':'")
            self.at += 2 if sign == "=" and self.text.startswith("=>", self.at) else 1
            found[name] = self.value(depth)
            separator = self.separator("}", "Unterminated object")
            if separator == "}":
                return found
        self.at += 1
        return found

    def sequence(self, depth: int) -> list[Any]:
        found: list[Any] = []
        while True:
            first = self.peek()
            if first and first in ",;":  # a missing value is null
                found.append(None)
            elif first == "]":
                self.at += 1
                return found
            else:
                found.append(self.value(depth))
            if self.separator("]", "Unterminated array") == "]":
                return found
            if self.peek() == "]":
                found.append(None)

    def separator(self, end: str, message: str) -> str:
        """What follows a value: the end, or a comma (`;` counts as one)."""
        sign = self.peek()
        if sign != end and (not sign or sign not in ",;"):
            raise self.fail(message)
        self.at += 1
        return end if sign == end else ","

    def quoted(self) -> str:
        quote = self.text[self.at]
        self.at += 1
        parts: list[str] = []
        while True:
            start = self.at
            while self.at < len(self.text) and self.text[self.at] not in {quote, "\\"}:
                self.at += 1
            parts.append(self.text[start : self.at])
            if self.at >= len(self.text):
                raise self.fail("Unterminated string")
            self.at += 1
            if self.text[self.at - 1] == quote:
                return "".join(parts)
            parts.append(self.escape())

    def escape(self) -> str:
        sign = self.text[self.at : self.at + 1]
        self.at += 1
        if sign == "u":
            digits = self.text[self.at : self.at + 4]
            self.at += 4
            try:
                return chr(int(digits, 16))
            except ValueError:
                raise self.fail(f"\\u{digits}") from None
        if sign not in _ESCAPES:
            raise self.fail("Invalid escape sequence")
        return _ESCAPES[sign]

    def bare(self) -> Bare:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in _ENDS:
            self.at += 1
        if self.at == start:
            raise self.fail("Expected value" if self.at < len(self.text) else "End of input")
        return Bare(self.text[start : self.at])
