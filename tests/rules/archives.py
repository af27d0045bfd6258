"""Builders for tests of TorchServe archives: small archives on disk, and facts of several at once."""

import importlib.util
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modeldoctor.facts.archive import MANIFEST, Archive, Document, Server, Store

ROOT = Path(__file__).parents[2]

spec = importlib.util.spec_from_file_location("make_archives", ROOT / "fixtures" / "make_archives.py")
assert spec is not None
assert spec.loader is not None
fixtures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fixtures)

ECHO, NET, BASED, OWN = fixtures.ECHO, fixtures.NET, fixtures.BASED, fixtures.OWN
Make = Callable[[Path], Path]


def sample(name: str) -> Make:
    """One of the committed sample archives."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes((ROOT / "fixtures" / "archives" / name).read_bytes())
        return path

    return make


def weights(name: str = "net.pth") -> bytes:
    """The weights of `NET`: `net.pth` or `net_scripted.pt`."""
    return fixtures.weights(name)


def checkpoint(name: str) -> bytes:
    """A sample checkpoint."""
    return fixtures.checkpoint(name)


def mar(
    files: dict[str, Any] | None = None,
    *,
    name: str = "m.mar",
    properties: str | None = None,
    dockerfile: str | None = None,
    top: dict[str, Any] | None = None,
    **model: Any,
) -> Make:
    """An archive with these members (`handler.py` echoes unless given) and these keys of `model` in its manifest."""

    def make(folder: Path) -> Path:
        manifest = fixtures.manifest(**model)
        manifest |= top or {}
        manifest = {key: value for key, value in manifest.items() if value is not None}
        members = fixtures.members({"handler.py": ECHO, **(files or {})}, manifest)
        path = folder / name
        path.write_bytes(fixtures.zipped([(member, data) for member, data in members if data != b"<none>"]))
        if properties is not None:
            (folder / "config.properties").write_text(properties)
        if dockerfile is not None:
            (folder / "Dockerfile").write_text(dockerfile)
        return path

    return make


NONE = b"<none>"  # leaves out a member that is there otherwise


def eager(files: dict[str, Any] | None = None, **model: Any) -> Make:
    """An archive whose handler comes from BaseHandler, with a class and its weights."""
    held = {"handler.py": BASED, "model.py": NET, "model.pth": weights(), **(files or {})}
    return mar(held, **{"serializedFile": "model.pth", "modelFile": "model.py", **model})


def handled(source: bytes, **model: Any) -> Make:
    """An archive with this handler."""
    return mar({"handler.py": source}, **model)


def configured(text: str, **model: Any) -> Make:
    """An archive with this model-config.yaml."""
    return mar({"model-config.yaml": text}, configFile="model-config.yaml", **model)


def raw(data: bytes, name: str = "m.mar") -> Make:
    """A file of these bytes."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data)
        return path

    return make


def rezipped(change: Callable[[zipfile.ZipFile], None], name: str = "m.mar") -> Make:
    """A zip that `change` fills after the members of a good archive."""

    def make(folder: Path) -> Path:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for member, data in fixtures.members({"handler.py": ECHO}, fixtures.manifest()):
                archive.writestr(zipfile.ZipInfo(member), data)
            change(archive)
        path = folder / name
        path.write_bytes(packed.getvalue())
        return path

    return make


def store(*names: tuple[str, str, str], server: Server | None = None) -> Store:
    """The facts of a folder with these archives: file, model name, version."""
    archives = tuple(
        Archive(
            f"store/{file}", "zip", "zip", 100, {"handler.py": 1},
            manifest=Document(MANIFEST, frontend={"model": {"modelName": name, "modelVersion": version}}),
        )
        for file, name, version in names
    )  # fmt: skip
    return Store("store", archives, (server,) if server else ())


def manifest_of(data: Any) -> Make:
    """An archive with exactly this manifest."""
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    return raw(fixtures.zipped(fixtures.members({"handler.py": ECHO}, text)))
