"""When loads run: small projects whose load lines say in a comment what must be found there.

`cases/*.txt` hold them: `=== name` starts a project, `--- path` a file of it. A line that ends in `# per_request` (or
at_import, at_startup, lazy, background, script, unknown) must hold a load that is placed so, and no other line a load.
"""

import re
from pathlib import Path

import pytest

from modeldoctor.readers.source.loads import analyse

CASES = Path(__file__).parent / "cases"
WHEN = re.compile(r"# (per_request|at_import|at_startup|lazy|background|script|unknown)$")


def projects() -> list[tuple[str, dict[str, str]]]:
    found = []
    for file in sorted(CASES.glob("*.txt")):
        for block in file.read_text(encoding="utf-8").split("\n=== ")[1:]:
            name, *parts = block.split("\n--- ")
            files = {}
            for part in parts:
                path, _, text = part.partition("\n")
                files[path.strip()] = text + "\n"
            found.append((f"{file.stem}: {name.splitlines()[0].strip()}", files))
    return found


PROJECTS = projects()


def write(root: Path, files: dict[str, str]) -> list[str]:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return sorted(files)


@pytest.mark.parametrize("files", [files for _, files in PROJECTS], ids=[name for name, _ in PROJECTS])
def test_when(files: dict[str, str], tmp_path: Path) -> None:
    loads = analyse(str(tmp_path), write(tmp_path, files)).loads
    wanted = {
        (path, number, found[1])
        for path, text in files.items()
        for number, line in enumerate(text.splitlines(), 1)
        if (found := WHEN.search(line))
    }
    assert {(load.path, load.call.line, load.when) for load in loads} == wanted


def test_names_are_unique() -> None:
    names = [name for name, _ in PROJECTS]
    assert sorted(set(names)) == sorted(names)
