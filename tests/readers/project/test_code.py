"""Where the code of a pickle is looked for, in real little projects beside a real checkpoint."""

from pathlib import Path

from modeldoctor.facts.verdict import Code
from modeldoctor.readers.checkpoint import read_checkpoint
from modeldoctor.readers.project.code import find_code

SAMPLE = Path(__file__).parents[3] / "fixtures" / "checkpoints" / "full_model.pt"


def look(root: Path, files: dict[str, str]) -> Code:
    """What becomes of `shop.nets.Classifier` in a project of these files."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    found = find_code(read_checkpoint(str(SAMPLE), "full_model.pt"), str(root), list(files))
    assert [code.module for code in found] == ["shop.nets"]
    return found[0]


def test_class_is_found_under_its_name(tmp_path: Path) -> None:
    code = look(tmp_path, {"shop/__init__.py": "", "shop/nets.py": "class Classifier: ..."})
    assert (code.status, code.place) == ("found", "shop/nets.py")


def test_class_is_found_below_src(tmp_path: Path) -> None:
    code = look(tmp_path, {"src/shop/__init__.py": "", "src/shop/nets.py": "class Classifier: ..."})
    assert (code.status, code.place) == ("found", "src/shop/nets.py")


def test_reexported_class_is_found(tmp_path: Path) -> None:
    files = {
        "shop/__init__.py": "",
        "shop/nets.py": "from shop.models import Classifier",
        "shop/models.py": "class Classifier: ...",
    }
    assert look(tmp_path, files).status == "found"


def test_star_import_may_bring_it(tmp_path: Path) -> None:
    assert look(tmp_path, {"shop/__init__.py": "", "shop/nets.py": "from timm.models import *"}).status == "found"


def test_moved_class_is_named_with_its_place(tmp_path: Path) -> None:
    code = look(tmp_path, {"app/models.py": "import torch\n\nclass Classifier(torch.nn.Module): ..."})
    assert (code.status, code.elsewhere) == ("moved", "app/models.py:3")


def test_class_that_left_its_module(tmp_path: Path) -> None:
    code = look(tmp_path, {"shop/__init__.py": "", "shop/nets.py": "class Other: ..."})
    assert (code.status, code.names, code.place) == ("no such name", ("Classifier",), "shop/nets.py")


def test_class_in_no_file(tmp_path: Path) -> None:
    assert look(tmp_path, {"app.py": "print('hello')"}).status == "missing"


def test_two_candidates_are_no_answer(tmp_path: Path) -> None:
    code = look(tmp_path, {"a.py": "class Classifier: ...", "b.py": "class Classifier: ..."})
    assert (code.status, code.elsewhere) == ("missing", "")


def test_torchscript_carries_its_code(tmp_path: Path) -> None:
    scripted = SAMPLE.parent / "scripted.pt"
    assert find_code(read_checkpoint(str(scripted), "scripted.pt"), str(tmp_path), []) == ()
