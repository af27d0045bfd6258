"""What rules may know about a TorchServe archive.

Its members as the server unpacks them, its texts as both parsers see them, its code as far as it can be followed
without running it. Members are named as in the model folder.
"""

import posixpath
from typing import Any, NamedTuple

from modeldoctor.facts.checkpoint import Checkpoint, Problem

MANIFEST = "MAR-INF/MANIFEST.json"
# Stands for the model folder in texts; it is the working directory of the worker too (J/wlm/WorkerLifeCycle.java).
MODEL_DIR = "{model_dir}"


def in_folder(path: str) -> str | None:
    """The member that a path means in the worker; None for one that lies outside the model folder."""
    if path.startswith(MODEL_DIR):
        path = path[len(MODEL_DIR) :].lstrip("/")
    elif path.startswith(("/", "~", "{")) or "://" in path or path[1:2] == ":":
        return None
    place = posixpath.normpath(path)
    return None if place.startswith("..") or not path else place


class Document(NamedTuple):
    """A text that two parsers read: the frontend (Java: Gson, SnakeYAML) and the worker (Python: json, PyYAML).

    `frontend` and `worker` are the values, None where that parser fails; the errors say why, `line` where. `lines` are
    those of the keys at the top. `absent`: no such member.
    """

    member: str
    frontend: Any = None
    worker: Any = None
    frontend_error: str = ""
    worker_error: str = ""
    line: int | None = None
    lines: tuple[tuple[str, int], ...] = ()
    absent: bool = False

    def line_of(self, key: str) -> int | None:
        """The line of a key at the top."""
        return next((line for name, line in self.lines if name == key), None)


class Value(NamedTuple):
    """What is known of an expression without running it.

    kind: `text` (`text` with `{model_dir}` for the model folder), `class` and `instance` (`text` is the dotted name),
    `loaded` (`number` of the `Act` that loads it, `text` the keys taken from it), `list`, `dict`, `tuple`, `none`,
    `number`, `string`, `data` (what the server passes to `handle`), `context`, `self`, `manifest`, `function`,
    `module`, `coroutine`, `generator`, `unknown`. `number` of a list is its length, -1 when not known; `of` is the
    plain Python value of a constant.
    """

    kind: str
    text: str = ""
    number: int = -1
    of: Any = None


class Act(NamedTuple):
    """Something the code does when it is loaded or asked.

    kind: `load` (`call` is `torch.load`, `torch.jit.load`, …; `value` the file), `open` (`value` the file), `apply`
    (`load_state_dict`: `value` what is given, `target` what it is called on), `raise` (`call` the exception), `return`
    (`value`), `call` (`call` is the dotted name), `none` (what is None at load is used: `call` says how), `eval`,
    `no_grad`, `device`, `import`, `config` (a key of model-config.yaml is read), `used` (what was loaded, as a module),
    `stock` (a method of the server's own), `writes` (files may appear). `phase` is `load` or `infer`. `sure`: it
    happens whenever that phase is reached. `options` are the keyword arguments that are constants.
    """

    kind: str
    member: str
    line: int
    phase: str
    call: str = ""
    value: Value = Value("unknown")
    target: Value = Value("unknown")
    options: tuple[tuple[str, Any], ...] = ()
    sure: bool = True

    def option(self, name: str, default: Any = None) -> Any:
        """The value of a keyword argument that is a constant."""
        return dict(self.options).get(name, default)


class Signature(NamedTuple):
    """A function. `least` and `most` positional arguments fit, a method's `self` not counted; `most` None: any number.

    kind: `function`, `async`, `generator`. `plain`: no decorator that may change what it takes. `abstract`: it must be
    overridden.
    """

    name: str
    line: int
    least: int
    most: int | None
    kind: str = "function"
    plain: bool = True
    abstract: bool = False
    keywords: tuple[str, ...] = ()


class Class(NamedTuple):
    """A class at the top of a module. `bases` are dotted names; `attributes` are set in its body or on `self`.

    `sure` is False where a condition or a decorator decides whether it is there. `dynamic`: `__getattr__`, a metaclass.
    """

    name: str
    line: int
    bases: tuple[str, ...]
    methods: tuple[Signature, ...]
    attributes: frozenset[str] = frozenset()
    sure: bool = True
    dynamic: bool = False

    def method(self, name: str) -> Signature | None:
        """The method of that name that the class itself defines."""
        return next((method for method in reversed(self.methods) if method.name == name), None)


class Import(NamedTuple):
    """An import. `names` are what `from module import …` takes; `sure`: nothing catches or skips it.

    `aliases` are local names with what they stand for: `("nn", "torch.nn")`, without what is relative.
    """

    module: str
    names: tuple[str, ...]
    level: int
    line: int
    sure: bool = True
    aliases: tuple[tuple[str, str], ...] = ()


class Module(NamedTuple):
    """A Python file of the archive. `error` says why it cannot be compiled, in `line`; `""` when it can.

    `bindings` are all names at the top with what they are: `class`, `alias` (another name of a class of its own),
    `made` (a class that a call makes), `function`, `import`, `value`; `maybe` is put before one that depends on a
    condition. `stars` are modules of `from … import *`.
    """

    member: str
    name: str
    error: str = ""
    line: int | None = None
    classes: tuple[Class, ...] = ()
    functions: tuple[Signature, ...] = ()
    imports: tuple[Import, ...] = ()
    bindings: tuple[tuple[str, str], ...] = ()
    stars: tuple[str, ...] = ()

    def named(self, name: str) -> Class | None:
        """The class of that name."""
        return next((each for each in reversed(self.classes) if each.name == name), None)


class Shape(NamedTuple):
    """The state_dict that a model class would have: keys with shapes (None: not known).

    `whole` is False when something in the class could not be followed; `roots` are then the first parts that keys can
    have, None when even those are not known.
    """

    name: str
    keys: tuple[tuple[str, tuple[int, ...] | None], ...] = ()
    whole: bool = False
    roots: frozenset[str] | None = None


class Server(NamedTuple):
    """What is known of the server. `path` is its config.properties, `""` when there is none; `settings` what it sets.

    `release` and `packages` (import names that are there; None: not known) come from the image or the install steps,
    told in `source`. `unset` are variables that the file asks for.
    """

    path: str = ""
    settings: tuple[tuple[str, str, int], ...] = ()
    release: str = ""
    packages: frozenset[str] | None = None
    source: str = ""

    def setting(self, key: str) -> str | None:
        """The value of a key; of one written twice the last."""
        return next((value for name, value, _ in reversed(self.settings) if name == key), None)

    def on(self, key: str) -> bool:
        """Whether a flag is on, as `Boolean.parseBoolean` has it."""
        return (self.setting(key) or "").lower() == "true"


class Archive(NamedTuple):
    """A TorchServe archive, as the server unpacks it.

    `container` is how the server reads it: `zip` (named `.mar`), `tar` (any other file), `folder`; `holds` what the
    bytes are: `zip`, `gzip`, `tar`, `other`. `members` maps names in the model folder to sizes. `problems` are what the
    unpacking meets, in order; `refused` is the first that ends it. `requirements` are `(name, specifier, line)`.
    `parts` are the model files inside, their places told from the archive; `models` the same by member, told from the
    file itself, as loaders see them.
    """

    path: str
    container: str
    holds: str
    size_bytes: int
    members: dict[str, int]
    problems: tuple[Problem, ...] = ()
    refused: Problem | None = None
    manifest: Document = Document(MANIFEST)
    config: Document | None = None
    labels: Document | None = None
    requirements: tuple[tuple[str, str, int], ...] = ()
    modules: tuple[Module, ...] = ()
    acts: tuple[Act, ...] = ()
    shapes: tuple[Shape, ...] = ()
    parts: tuple[Checkpoint, ...] = ()
    models: tuple[tuple[str, Checkpoint], ...] = ()
    server: Server = Server()
    bytes_read: int = 0

    @property
    def state(self) -> str:
        """`understood`, or `unreadable` when nothing could be unpacked."""
        return "understood" if self.members or not self.refused else "unreadable"

    @property
    def model(self) -> dict[str, Any]:
        """What the frontend makes of `model` in the manifest; empty when it has none."""
        document = self.manifest.frontend
        found = document.get("model") if isinstance(document, dict) else None
        return found if isinstance(found, dict) else {}

    @property
    def worker_model(self) -> dict[str, Any]:
        """What the worker makes of it."""
        document = self.manifest.worker
        found = document.get("model") if isinstance(document, dict) else None
        return found if isinstance(found, dict) else {}

    @property
    def handler(self) -> str:
        """The handler that the worker is sent; `""` when nobody names one."""
        return str(self.model.get("handler") or "") or self.server.setting("default_service_handler") or ""

    @property
    def handler_module(self) -> str:
        """What `_load_handler_file` imports: without what follows `:`, `.py` and folders (ts/model_loader.py)."""
        return self.handler.split(":", 1)[0].removesuffix(".py").split("/")[-1]

    def module(self, name: str) -> Module | None:
        """The module of the archive that `import name` finds first: a package before a file."""
        stem = name.replace(".", "/")
        for member in (f"{stem}/__init__.py", f"{stem}.py"):
            for module in self.modules:
                if module.member == member:
                    return module
        return None

    def part(self, member: str) -> Checkpoint | None:
        """The model file of that name, as a loader sees it."""
        return next((part for name, part in self.models if name == member), None)


class Store(NamedTuple):
    """The archives of one run, and the servers that their folders configure."""

    path: str
    archives: tuple[Archive, ...]
    servers: tuple[Server, ...] = ()
