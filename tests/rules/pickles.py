"""Pickles for rule tests: real ones of classes that live nowhere, and hand-made streams that no test ever loads."""

import pickle
import sys
import types
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.rules.builders import Make, raw


def dumped(build: Callable[[], Any], protocol: int = 2, name: str = "model.pkl") -> Make:
    """A file that `pickle.dump` writes of what `build` returns."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(pickle.dumps(build(), protocol))
        return path

    return make


@contextmanager
def living_in(cls: type, module: str):
    """For the time of writing, the class is an attribute of a module of that name."""
    cls.__module__ = module
    names = [module.rsplit(".", cut)[0] for cut in range(module.count("."), -1, -1)]
    added = [name for name in names if name not in sys.modules]
    sys.modules.update({name: types.ModuleType(name) for name in added})
    owner = sys.modules[module]
    before = vars(owner).get(cls.__name__)
    setattr(owner, cls.__name__, cls)
    try:
        yield cls
    finally:
        if before is None:
            delattr(owner, cls.__name__)
        else:
            setattr(owner, cls.__name__, before)
        for name in added:
            del sys.modules[name]


def model_of(module: str, name: str = "Net", wrap: Callable[[Any], Any] = lambda model: model, **options: Any) -> Make:
    """A file that `torch.save` writes of a whole model whose class lives in that module."""

    def make(folder: Path) -> Path:
        import torch

        cls = type(name, (torch.nn.Module,), {})
        path = folder / "model.pt"
        with living_in(cls, module):
            model = cls()
            model.fc = torch.nn.Linear(2, 2)
            torch.save(wrap(model), path, **options)
        return path

    return make


def instance_of(module: str, name: str) -> Make:
    """A plain pickle of an object whose class lives in that module."""

    def make(folder: Path) -> Path:
        cls = type(name, (), {})
        with living_in(cls, module):
            return dumped(cls)(folder)

    return make


def stream(*parts: str | bytes, name: str = "model.pkl", protocol: int = 2) -> Make:
    """Opcodes: text as it stands, a line each, then STOP. `stream("cos\\nsystem\\n", text("id"), b"\\x85R")`."""
    body = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return raw(bytes([0x80, protocol]) + body + b".", name)


def text(value: str) -> bytes:
    """BINUNICODE."""
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def blob(value: bytes) -> bytes:
    """BINBYTES (protocol 3)."""
    return b"B" + len(value).to_bytes(4, "little") + value


def called(full: str, *arguments: bytes) -> bytes:
    """GLOBAL, MARK, the arguments, TUPLE, REDUCE."""
    module, _, name = full.rpartition(".")
    return f"c{module}\n{name}\n(".encode() + b"".join(arguments) + b"tR"
