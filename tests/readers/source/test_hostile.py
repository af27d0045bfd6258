"""Source that is broken, huge or made to mislead: reported, never a crash."""

import time
from pathlib import Path

import pytest

from modeldoctor.readers.source.read import read_source

APP = """import torch
from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def index():
    return torch.load("net.pt")
"""


def source_of(folder: Path, files: dict[str, bytes | str]):
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_source(str(folder), ".")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"import torch\nprint 'python 2'\n", "syntax"),
        (b"import torch\n\0\n", "syntax"),
        (b"import torch\nx = '\xff'\n", "syntax"),
        (b"# coding: no-such-codec\nimport torch\n", "syntax"),
        (b"import torch\nx = " + b"(" * 5000 + b")" * 5000, "syntax"),
        (b"import torch\nx = " + b"-" * 20_000 + b"1", "syntax"),
        (b"import torch\nx = " + b"+".join([b"1"] * 20_000), "syntax"),
        (b"import torch\nx = f" + b".a" * 20_000, "syntax"),
        (b"import torch\n" + b"a\n" * 600_000, "limit"),
        (b"import torch\nx = [" + b"1," * 400_000 + b"]", "limit"),
        (b"import torch\n#" + b"x" * (2 << 20), "limit"),
        (b"<<<<<<< HEAD\nimport torch\n=======\n>>>>>>> b\n", "syntax"),
    ],
    ids=["python 2", "null byte", "no utf-8", "codec", "parentheses", "unary", "binary", "attributes",
         "lines", "list", "size", "conflict"],
)  # fmt: skip
def test_unreadable_files_are_reported_once_and_the_others_are_read(content: bytes, kind: str, tmp_path: Path) -> None:
    source = source_of(tmp_path, {"app.py": APP, "bad.py": content + b"\ntorch.load\n"})
    assert [load.when for load in source.loads if load.where.path == "app.py"] == ["per_request"]
    assert [(unread.where.path, unread.kind) for unread in source.unread] == [("bad.py", kind)]


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    source = source_of(tmp_path, {"app.py": b"\xef\xbb\xbf" + APP.encode()})
    assert [load.when for load in source.loads] == ["per_request"]
    assert not source.unread


@pytest.mark.parametrize(
    "code",
    [
        "a = b\nb = a\na()\n",
        "def f():\n    return f()\n\n\nf().x.y()\n",
        "class A(A):\n    pass\n\n\nA().load()\n",
        "class A(B):\n    pass\n\n\nclass B(A):\n    pass\n\n\nA().net()\n",
        "x = x.y.z\nx.load()\n",
        "from app import *\nfrom app import app as app\n",
        "import app\napp.app.app.app.load()\n",
        "self.model.load()\n",
        "def f(*, a=lambda: (yield)): ...\n",
        "lambda: lambda: lambda: torch.load(x)\n",
        "@property\ndef x(self): ...\n",
        "class C:\n    @property\n    def p(self):\n        return self.p\n\n\nC().p.p.p\n",
        "getattr(torch, name)(x)\ngetattr(torch)(x)\nsetattr(a, b, c)\nsetattr()\n",
        "torch.load()\ntorch.load(**x)\ntorch.load(*x)\n",
        "with torch.load(x) as (a, b), c: pass\n",
        "match torch.load(x):\n    case {'a': [*_]}: pass\n",
        "try:\n    import torch\nexcept* ValueError:\n    pass\n",
        "global x\ndel x\nnonlocal_ = 1\n",
        "async def f():\n    async with a() as b, c():\n        async for d in e: yield d\n",
        "def f(x=Depends(), /, y: Annotated[1, Depends()] = 2, *a: Annotated[3], **k): ...\n",
    ],
)
def test_strange_code_is_read(code: str, tmp_path: Path) -> None:
    files = {"app.py": "import torch\nfrom fastapi import Depends, FastAPI\nfrom typing import Annotated\n" + code}
    source = source_of(
        tmp_path, {**files, "main.py": APP.replace("torch.load", "torch.jit.load") + "\nimport app as other\n"}
    )
    assert not source.unread
    assert any(load.loader == "torch.jit.load" for load in source.loads)


def test_cyclic_imports_and_many_layers_end(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        f"m{n}.py": f"from m{(n + 1) % 60} import *\nimport m{(n + 7) % 60}\n\n\ndef f{n}():\n    return f{(n + 1) % 60}()\n"
        for n in range(60)
    }
    files["app.py"] = APP + "\n\nfrom m0 import f0\n\n\n@app.get('/x')\ndef other():\n    return f0()\n"
    started = time.perf_counter()
    source = source_of(tmp_path, files)
    assert [load.when for load in source.loads] == ["per_request"]
    assert time.perf_counter() - started < 10


def test_calls_that_branch_at_every_level_end(tmp_path: Path) -> None:
    layers = [
        f"def f{n}_{k}(x):\n    return " + " + ".join(f"f{n + 1}_{j}(x)" for j in range(8)) + "\n"
        for n in range(12)
        for k in range(8)
    ]
    code = APP + "\n" + "\n".join(layers) + "\n\n@app.get('/x')\ndef other():\n    return f0_0(1)\n"
    started = time.perf_counter()
    assert source_of(tmp_path, {"app.py": code}).loads
    assert time.perf_counter() - started < 10


def test_links_and_folders_named_like_files(tmp_path: Path) -> None:
    (tmp_path / "dir.py").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere.py")
    assert [load.when for load in source_of(tmp_path, {"app.py": APP}).loads] == ["per_request"]


def test_environments_and_packages_are_not_the_project(tmp_path: Path) -> None:
    source = source_of(
        tmp_path,
        {
            "app.py": APP,
            ".venv/lib/x.py": APP,
            "venv/lib/x.py": APP,
            "env2/pyvenv.cfg": "",
            "env2/lib/x.py": APP,
            "node_modules/x/x.py": APP,
            "vendor/site-packages/x.py": APP,
            ".git/hooks/x.py": APP,
        },
    )
    assert [load.where.path for load in source.loads] == ["app.py"]


def test_one_file_is_read_alone(tmp_path: Path) -> None:
    source_of(tmp_path, {"app.py": APP, "other.py": APP})
    source = read_source(str(tmp_path / "app.py"), "x/app.py")
    assert source.path == "x"
    assert [load.where.path for load in source.loads] == ["app.py"]
