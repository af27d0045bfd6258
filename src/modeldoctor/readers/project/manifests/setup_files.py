"""setup.cfg and the static part of setup.py: what their `install_requires` says without running anything."""

import ast
import re
from collections.abc import Iterator

from modeldoctor.facts.pins import Flaw, Manifest, Pin, Step
from modeldoctor.readers.project.manifests import entries
from modeldoctor.readers.project.manifests.text import MAX_ENTRIES

MAX_SOURCE = 1 << 20

_SECTION = re.compile(r"\[([^\]]+)\]\s*$")
_OPTION = re.compile(r"([A-Za-z][\w.-]*)\s*[=:]\s*(.*)$")


def read_setup_cfg(text: str, path: str) -> Manifest:
    """The manifest of a setup.cfg."""
    pins = []
    for section, key, value, line in _ini(text):
        if section == "options" and key == "python_requires":
            pins.append(Pin("python", value, value, path, line))
        group = _group(section, key)
        if group is None or not value:
            continue
        pin = entries.parse(value, path, line, group=group)
        if pin is not None:
            pins.append(pin)
    return Manifest(path, "setup.cfg", "understood", Step("pip", path, None, tuple(pins)))


def _group(section: str, key: str) -> str | None:
    """The group that a setting's requirements belong to; None for other settings."""
    if section == "options" and key == "install_requires":
        return ""
    return key if section == "options.extras_require" else None


def _ini(text: str) -> Iterator[tuple[str, str, str, int]]:
    """Section, option, and each line of its value with its number."""
    section = key = ""
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare or bare[0] in "#;":
            continue
        found = _SECTION.match(line)
        option = _OPTION.match(line)
        if found:
            section, key = found[1].strip(), ""
        elif line[0].isspace() and key:
            yield section, key, bare, number
        elif option:
            key = option[1]
            yield section, key, option[2].strip(), number


def read_setup_py(text: str, path: str) -> Manifest:
    """The manifest of a setup.py, from the literals that reach `setup(…)`."""
    try:
        tree = ast.parse(text[:MAX_SOURCE])
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        flaw = Flaw("syntax", f"is not valid Python: {getattr(error, 'msg', error)}", path, line, fatal=True)
        return Manifest(path, "setup.py", "not understood", Step("pip", path), flaws=(flaw,))
    reader = _SetupPy(tree, path)
    state = "partly understood" if reader.flaws else "understood"
    return Manifest(path, "setup.py", state, Step("pip", path, None, tuple(reader.pins)), flaws=tuple(reader.flaws))


class _SetupPy:
    """Follows the keywords of the first call of `setup` to literals and module-level names."""

    def __init__(self, tree: ast.Module, path: str) -> None:
        self.path = path
        self.pins: list[Pin] = []
        self.flaws: list[Flaw] = []
        self.names = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        call = next((node for node in ast.walk(tree) if _is_setup(node)), None)
        for keyword in call.keywords if isinstance(call, ast.Call) else ():
            self.keyword(keyword)

    def keyword(self, keyword: ast.keyword) -> None:
        """One argument of `setup`."""
        value = self.named(keyword.value)
        if keyword.arg == "python_requires" and isinstance(value, ast.Constant) and isinstance(value.value, str):
            self.pins.append(Pin("python", value.value, value.value, self.path, value.lineno))
        elif keyword.arg == "install_requires":
            self.requirements(value, "")
        elif keyword.arg == "extras_require" and isinstance(value, ast.Dict):
            for key, item in zip(value.keys, value.values, strict=True):
                name = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else "?"
                self.requirements(self.named(item), name)

    def named(self, node: ast.expr) -> ast.expr:
        """What a module-level name stands for; one step, so that no cycle can trap us."""
        return self.names.get(node.id, node) if isinstance(node, ast.Name) else node

    def requirements(self, node: ast.expr, group: str) -> None:
        """The strings of a list, tuple, set or sum of those; what is computed is a flaw."""
        todo = [node]
        for _ in range(MAX_ENTRIES):  # a list that is added to itself would never end
            if not todo:
                break
            item = todo.pop(0)
            if isinstance(item, ast.BinOp) and isinstance(item.op, ast.Add):
                todo[:0] = [self.named(item.left), self.named(item.right)]
            elif isinstance(item, (ast.List, ast.Tuple, ast.Set)):
                todo[:0] = item.elts
            elif isinstance(item, ast.Constant) and isinstance(item.value, str):
                for text in item.value.splitlines():
                    pin = entries.parse(text, self.path, item.lineno, group=group)
                    self.pins.extend([pin] if pin else [])
            else:
                message = "some requirements are computed when it runs; they are not known here"
                self.flaws.append(Flaw("dynamic", message, self.path, item.lineno))


def _is_setup(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name == "setup"
