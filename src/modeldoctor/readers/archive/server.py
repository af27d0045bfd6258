"""What is known of the server: its config.properties, and the image that a Dockerfile beside it starts from."""

import os
import re

from modeldoctor.errors import UsageError
from modeldoctor.facts.archive import Server
from modeldoctor.readers.archive.documents import properties
from modeldoctor.tables import table

# A configuration is written by hand; what is larger is some other file.
_MAX_BYTES = 1 << 20
_NAME = "config.properties"
_IMAGE = re.compile(r"pytorch/torchserve(?:-nightly)?:(latest|\d+\.\d+\.\d+)")


def read_server(path: str, shown: str, given: str | None = None) -> Server:
    """The server of an archive: `given` is the user's config.properties, else the one beside the archive or above it.

    UsageError when the user's cannot be read.
    """
    if given is not None:
        try:
            return _of_image(_read(given, given.replace(os.sep, "/")), os.path.dirname(given))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(f"cannot read the server configuration {given}: {reason}") from error
    folder, seen = os.path.dirname(os.path.abspath(path)), shown.rpartition("/")[0]
    server = Server()
    for up, told in ((folder, seen), (os.path.dirname(folder), f"{seen}/.." if seen else "..")):
        if not server.path and os.path.isfile(os.path.join(up, _NAME)):
            try:
                server = _read(os.path.join(up, _NAME), f"{told}/{_NAME}".lstrip("/"))
            except (OSError, ValueError):
                continue
        server = _of_image(server, up) if not server.release else server
    return server


def _read(path: str, shown: str) -> Server:
    with open(path, "rb") as file:
        text = file.read(_MAX_BYTES).decode("latin-1")  # java.util.Properties.load(InputStream)
    return Server(shown, properties(text))


def _of_image(server: Server, folder: str) -> Server:
    """The release and the packages of the stock image, with what the Dockerfile installs besides."""
    path = os.path.join(folder, "Dockerfile")
    try:
        if not os.path.isfile(path) or os.path.getsize(path) > _MAX_BYTES:
            return server
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return server
    bases = re.findall(r"^\s*FROM\s+(?:--\S+\s+)?(\S+)", text, re.MULTILINE | re.IGNORECASE)
    found = _IMAGE.search(bases[-1]) if bases else None
    rows = table("torchserve")
    if found:
        release = found[1] if found[1] != "latest" else rows["modelled"]
        packages = _installed(path, frozenset(rows["packages"]["image"]))
        return server._replace(release=release, packages=packages, source=f"Dockerfile, FROM {bases[-1]}")
    pinned = re.search(r"\btorchserve(?:==([\d.]+))?(?=\s|$)", text)
    if pinned and bases and ":" in bases[-1] and bases[-1].partition(":")[0].endswith("python"):
        packages = _installed(path, frozenset(rows["always"]))
        return server._replace(release=pinned[1] or rows["modelled"], packages=packages, source="Dockerfile")
    return server


def _installed(path: str, image: frozenset[str]) -> frozenset[str] | None:
    """Import names that are there; None when an install step takes a file or a project whose list is not known."""
    from modeldoctor.readers.project import read_project

    main = read_project(path, "Dockerfile").main
    if main is None:
        return image
    if any(step.project or (step.includes and not step.pins) or step.tool == "conda" for step in main.steps):
        return None
    names = {pin.name for step in main.steps for pin in step.pins}
    renamed = {distribution: module for module, distribution in table("packages")["renamed"].items()}
    return image | {renamed.get(name, name).replace("-", "_").partition(".")[0] for name in names} | names
