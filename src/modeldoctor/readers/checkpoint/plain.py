"""Text where a model should be: pointers, error pages, error bodies, configuration, and bytes that became text."""

import html
import re

from modeldoctor.detect import INDEX_SUFFIXES, Sniffed, readable
from modeldoctor.storage import Source
from modeldoctor.wording import size

_AGAIN = "the download was an error page: check the address and the access token, and download again"
_SHOWN = 80
# What only a server's answer or a browser's page starts with.
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|title|script|meta|h1)\b", re.IGNORECASE)
_ERROR_KEYS = re.compile(rb'"(?:error|errors|errorcode|message|detail|statuscode|status)"\s*:', re.IGNORECASE)
_POINTER = re.compile(rb"version https?://[^\n]*(?:git-lfs|hawser)[^\n]*/spec/v1")
# "PK", in base64, with the two bytes that follow in a local header.
_BASE64_ZIP = re.compile(rb"UEsDB[A-Za-z0-9+/\s]{11,}")


def structured(head: bytes, source: Source, name: str) -> Sniffed | None:
    """Texts with a form of their own."""
    body = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _POINTER.match(body):
        return _lfs(body)
    if body[:1] == b"<":
        return _markup(body, name)
    if body[:1] in {b"{", b"["}:
        if name.lower().endswith(INDEX_SUFFIXES) or re.search(rb'"weight_map"\s*:', body):
            return readable("sharded")
        return _json(body, source, name) if is_text(head) else None
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return _utf16(head)
    if _BASE64_ZIP.match(body):
        return Sniffed("text", "base64 text of a zip archive", "decode it with `base64 -d` first")
    if body.startswith(b"-----BEGIN "):
        title = _clip(body[11 : body.find(b"-----", 11)])
        return Sniffed("text", f"PEM text ({title})", "this is a key, certificate or encrypted message, no model")
    if body.startswith((b"/annex/objects/", b"../.git/annex/")) or b".git/annex/objects/" in body[:256]:
        return Sniffed("annex-pointer", "git-annex pointer", "run `git annex get` to fetch the model itself")
    return None


def text(head: bytes) -> Sniffed | None:
    """Text without a form; the first line is shown, since it is often the error message."""
    if not is_text(head) and not _is_text_of_old(head):
        return None
    first = _clip(head.strip().split(b"\n", 1)[0])
    return Sniffed("text", f"text: `{first}`" if first else "white space", "this is text, no model: " + _WRITER)


_WRITER = "find out what wrote it there, and put the model in its place"


def _lfs(body: bytes) -> Sniffed:
    found = re.search(rb"\nsize (\d{1,18})\s", body + b"\n")
    weight = f" ({size(int(found[1]))})" if found else ""
    return Sniffed("lfs-pointer", "Git LFS pointer", f"run `git lfs pull` to fetch the model itself{weight}")


def _markup(body: bytes, name: str) -> Sniffed | None:
    start = re.sub(rb"<!--.*?-->|<\?xml[^>]*>", b"", body, flags=re.DOTALL).lstrip()
    if _HTML.match(start):
        found = re.search(rb"<title[^>]*>([^<]*)", body, re.IGNORECASE)
        title = _clip(html.unescape(found[1].decode("utf-8", "replace")).encode()) if found else ""
        return Sniffed("html", f"HTML page `{title}`" if title else "HTML page", _advice(body))
    if re.match(rb"<(?:\w+:)?Error\b", start):  # the answer of S3 and its likes
        code, message = (re.search(rb"<%s>([^<]*)" % tag, body) for tag in (b"Code", b"Message"))
        told = ": ".join(_clip(part[1]) for part in (code, message) if part)
        return Sniffed("xml", f"XML error `{told}`" if told else "XML error", _AGAIN)
    if re.match(rb"<(?:net|IR)\b", start) or (name.endswith(".xml") and b"<layers>" in body):
        return Sniffed("openvino", "OpenVINO network (.xml)", "load it with OpenVINO, together with its .bin file")
    if start[:1] == b"<" and (b"<?xml" in body[:64] or re.match(rb"<[A-Za-z][\w:.-]*[\s/>]", start)) and is_text(body):
        return Sniffed("xml", "XML document", "this is no model: if it was downloaded, check the address")
    return None


def _advice(body: bytes) -> str:
    page = body.lower()
    if b"google drive" in page or b"drive.google" in page:
        return "Google Drive answered with its warning page: download with `gdown`, or confirm in a browser"
    if b"huggingface.co" in page:
        return "Hugging Face answered with a page: use its `resolve` address, not `blob`, and a token if it is gated"
    if b"github" in page:
        return "GitHub answered with a page: use the raw or release address, not `blob`"
    return _AGAIN


def _json(body: bytes, source: Source, name: str) -> Sniffed:
    lower = name.lower()
    if b'"peft_type"' in body or lower.endswith("adapter_config.json"):
        return Sniffed("json", "adapter configuration (JSON)", "check the folder that it lies in")
    if b'"_class_name"' in body or b'"architectures"' in body or b'"model_type"' in body:
        return Sniffed("json", "model configuration (JSON)", "check the folder that it lies in")
    if b'"cells"' in body and lower.endswith(".ipynb"):
        return Sniffed("json", "Jupyter notebook", "this is no model")
    if _ERROR_KEYS.search(body) and source.size <= len(body) + 64:
        told = re.search(rb'"(?:error|message|detail|msg)"\s*:\s*"((?:[^"\\]|\\.)*)"', body, re.IGNORECASE)
        title = f"JSON error `{_clip(told[1])}`" if told else "JSON error"
        return Sniffed("json-error", title, _AGAIN)
    return Sniffed("json", "JSON text", "this is no model: if it was downloaded, check the address")


def _utf16(head: bytes) -> Sniffed:
    plain = head[2:].decode("utf-16-le" if head[:2] == b"\xff\xfe" else "utf-16-be", "replace")
    if plain.startswith(("PK", "\x80", "\u20ac")):  # 0x80 is the euro sign in Windows' code page
        advice = "a redirection in PowerShell wrote the bytes as text: copy it as binary (`curl -o`, `-OutFile`)"
        return Sniffed("mangled", "binary file that became UTF-16 text", advice)
    return Sniffed("text", "UTF-16 text", "this is text, no model: " + _WRITER)


def is_text(head: bytes) -> bool:
    """Whether the bytes are UTF-8 text; a character may be cut at the end of what was read."""
    if b"\0" in head:
        return False
    try:
        decoded = head.decode()
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            return False
        decoded = head[: error.start].decode()
    return not any(character < " " and character not in "\t\n\r\f\x1b" for character in decoded)


def _is_text_of_old(head: bytes) -> bool:
    """Whether the bytes are text in an encoding from before Unicode: mostly ASCII, and no control characters.

    What begins like a pickle of an unknown protocol is none.
    """
    if head[:1] == b"\x80":
        return False
    ascii_bytes = sum(byte < 0x80 for byte in head)
    return 2 * ascii_bytes > len(head) and not any(byte < 0x20 and byte not in b"\t\n\r\f\x1b" for byte in head)


def _clip(raw: bytes) -> str:
    """One line of untrusted text, short enough for a title."""
    line = " ".join(raw[: 4 * _SHOWN].decode("utf-8", "replace").replace("`", "'").split())
    line = "".join(character for character in line if character.isprintable())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
