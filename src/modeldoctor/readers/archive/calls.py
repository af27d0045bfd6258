"""Calls: what loads a model, what belongs to the server, what is the archive's own code and is followed."""

import ast
from typing import Any

from modeldoctor.facts.archive import MODEL_DIR, Value, in_folder
from modeldoctor.readers.archive.code import Function, yields
from modeldoctor.readers.archive.evaluate import SYSTEM, Evaluator
from modeldoctor.readers.archive.follow import MAX_CALLS, Code, Frame
from modeldoctor.readers.archive.values import NONE, SAME, UNKNOWN, constant, item, joined, text
from modeldoctor.readers.source.expressions import text_of

# Calls that load a model file given as their first argument, with the ways of `predict.load`.
LOADERS = frozenset({"torch.load", "torch.jit.load", "torch.export.load", "safetensors.torch.load_file", "joblib.load"})
_OPENERS = frozenset({"open", "io.open", "codecs.open", "numpy.load", "np.load", "numpy.loadtxt"})
_PATHS = frozenset(
    {
        "os.path.abspath",
        "os.path.realpath",
        "os.path.normpath",
        "os.path.expanduser",
        "os.fspath",
        "pathlib.Path",
        "pathlib.PurePath",
        "str",
        "os.path.expandvars",
    }
)
_TESTS = frozenset({"os.path.exists", "os.path.isfile", "os.path.lexists", "os.path.isdir"})
_TEXTS = frozenset({"json.dumps", "repr", "str", "ascii"})
_LISTS = frozenset({"list", "sorted"})
# Functions and methods that put files into the model folder, or may.
_WRITERS = frozenset(
    {"extractall", "extract", "unpack_archive", "urlretrieve", "download", "download_file", "download_model", "system"}
    | {"snapshot_download", "hf_hub_download", "run", "check_call", "check_output", "Popen", "call", "copy", "copyfile"}
    | {"copytree", "move", "rename", "symlink", "write_text", "write_bytes", "save", "dump", "cached_download"}
)
_ITERATORS = frozenset({"map", "filter", "zip", "reversed", "enumerate", "range"})
_ARRAYS = frozenset(
    f"{library}.{function}"
    for library in ("torch", "numpy")
    for function in ("zeros", "ones", "stack", "concatenate", "argmax", "tensor", "cat", "softmax", "array", "asarray")
)
# What a state_dict can be asked for; everything else belongs to a module.
_OF_DICTS = frozenset({"items", "keys", "values", "get", "pop", "copy", "update", "setdefault"})
# Method names that give a list, a text, a tuple.
_GIVES = {"tolist": "list", "join": "string", "format": "string", "split": "list", "items": "tuple", "decode": "string"}
# Where the classes of the server itself live.
STOCK = "ts.torch_handler."


class Caller(Evaluator):
    """The follower of an archive's code, complete."""

    def call(self, node: ast.Call, frame: Frame) -> Value:
        """A call: of something that loads, of the archive's own code, of a method of what is known."""
        function = node.func
        if isinstance(function, ast.Attribute) and _is_super(function.value):
            return self.inherited(node, function.attr, frame)
        owner = self.value(function.value, frame) if isinstance(function, ast.Attribute) else UNKNOWN
        if owner.kind == "none" and isinstance(function, ast.Attribute):
            said = f"AttributeError: 'NoneType' object has no attribute '{function.attr}'"
            self.act("none", node, frame, call=said)
        called = self.quiet(function, frame)
        arguments = [self.value(argument, frame) for argument in node.args]
        options = {str(word.arg): self.value(word.value, frame) for word in node.keywords if word.arg}
        if text_of(function).rpartition(".")[2] in _WRITERS:
            self.act("writes", node, frame)
        made = owner.kind == "array" or (owner.kind == "module" and "()" in owner.text)  # an object of a library
        if isinstance(function, ast.Attribute) and (made or called.kind not in {"module", "class", "function"}):
            return self.method(node, owner, function.attr, arguments, options, frame)
        if called.kind == "loaded":
            self.act("used", node, frame, call="()", value=called)
        if called.kind == "function" and called.text:
            return self.run(called.text, arguments, options, frame)
        if called.kind == "class":
            return Value("instance", called.text)
        return self.library(node, called.text, arguments, options, frame) if called.kind == "module" else UNKNOWN

    def library(
        self, node: ast.Call, name: str, arguments: list[Value], options: dict[str, Value], frame: Frame
    ) -> Value:
        """A function of Python, torch or another library."""
        first = arguments[0] if arguments else options.get("path") or options.get("f") or UNKNOWN
        if name in LOADERS:
            index = self.act("load", node, frame, call=name, value=first, options=_constants(options))
            return Value("loaded", number=index)
        if name in _OPENERS:
            mode = arguments[1] if len(arguments) > 1 else options.get("mode", text("r"))
            if mode.kind == "text" and not set(mode.text) & set("wax+"):
                self.act("open", node, frame, call=name, value=first)
            else:
                self.act("writes", node, frame)
            return UNKNOWN
        if name == "os.path.join" or name in {"pathlib.Path", "pathlib.PurePath"}:
            return joined(arguments)
        if name in _PATHS and first.kind == "text":
            absolute = name in {"os.path.abspath", "os.path.realpath"} and not first.text.startswith(("/", "{"))
            return joined([text(MODEL_DIR), first]) if absolute else first
        if name == "os.path.dirname" and first.kind == "text":
            return text(first.text.rpartition("/")[0])
        if name in {"os.getcwd", "pathlib.Path.cwd"}:
            return text(MODEL_DIR)
        if name in _TESTS and first.kind == "text" and (member := in_folder(first.text)):
            return Value(
                "number", of=member in self.members or any(each.startswith(f"{member}/") for each in self.members)
            )
        if name == "len":
            if first.kind == "none":
                self.act("none", node, frame, call="TypeError: object of type 'NoneType' has no len()")
            return Value("number", "len(data)" if first.kind == "data" else "")
        if name in _TEXTS:
            return Value("string")
        if name in _LISTS:
            self.iterated(first, node, frame)
            return Value("list")
        if name in _ITERATORS:
            return Value("iterator", name)
        if name in _ARRAYS:
            return Value("array", "Tensor" if name.startswith("torch") else "numpy.ndarray")
        if name in {"dict", "set", "tuple"}:
            return Value(name)
        if name in {"torch.no_grad", "torch.inference_mode"}:
            self.act("no_grad", node, frame)
        return Value("module", f"{name}()")

    def method(
        self,
        node: ast.Call,
        owner: Value,
        name: str,
        arguments: list[Value],
        options: dict[str, Value],
        frame: Frame,
    ) -> Value:
        """A method of what is known."""
        first = arguments[0] if arguments else UNKNOWN
        if owner.kind == "instance" and self.service in {"", owner.text} and self.method_of(owner.text, name):
            self.service = owner.text  # a function that hands on to an object of the module
            return self.own(name, arguments, options, frame)
        if owner.kind == "self":
            return self.own(name, arguments, options, frame)
        if owner.kind == "loaded" and name not in _OF_DICTS:
            self.act("used", node, frame, call=name, value=owner)
        if name == "cuda" or (name == "to" and first.kind == "text" and first.text.startswith("cuda")):
            self.act("device", node, frame, call=f"{name}({first.text})")
        if name == "load_state_dict":
            given = first if arguments else options.get("state_dict", UNKNOWN)
            self.act("apply", node, frame, value=given, target=owner, options=_constants(options))
            return UNKNOWN
        if name == "eval":
            self.act("eval", node, frame)
        if name in SAME:
            return owner
        if name == "get" and owner.kind in {"properties", "dict"}:
            if owner.kind == "properties":
                return SYSTEM.get(first.text, UNKNOWN)
            self.asked(owner, first.of, node, frame)
            found = item(owner, first.of) if isinstance(owner.of, dict) else UNKNOWN
            return found if found is not None else arguments[1] if len(arguments) > 1 else NONE
        if owner.kind == "text":
            if name in {"open", "read_text", "read_bytes"}:
                self.act("open", node, frame, call=name, value=owner)
            if name == "joinpath":
                return joined([owner, *arguments])
            if name in {"exists", "is_file"} and (member := in_folder(owner.text)):
                return Value("number", of=member in self.members)
        if name == "state_dict":
            return Value("dict")
        return Value(_GIVES.get(name, "unknown"))

    def inherited(self, node: ast.Call, name: str, frame: Frame) -> Value:
        """`super().name(…)`: a method of a base class of the archive, or the server's own."""
        arguments = [self.value(argument, frame) for argument in node.args]
        for base in self.bases(frame.owner):
            found = self.method_of(base, name)
            if found is not None:
                return self.execute(found, arguments, {}, base, frame)
            if base.startswith("ts."):
                self.act("stock", node, frame, call=name)
                return UNKNOWN
        return UNKNOWN

    def bases(self, dotted: str) -> list[str]:
        """The dotted names of the base classes, nearest first."""
        module, _, name = dotted.rpartition(".")
        code = self.codes.get(module)
        known = code.module.named(name) if code else None
        if known is None or code is None:
            return []
        found: list[str] = []
        for base in known.bases[:5]:
            node = ast.parse(base, mode="eval").body if base.replace(".", "").isidentifier() else ast.Constant(None)
            value = self.quiet(node, Frame(code, {}))
            if value.text and value.text != dotted:
                found += [value.text, *self.bases(value.text)]
        return found[:20]

    def method_of(self, dotted: str, name: str) -> tuple[Code, Function] | None:
        """A method that a class of the archive defines itself."""
        return self.function(f"{dotted}.{name}")

    def own(self, name: str, arguments: list[Value], options: dict[str, Value], frame: Frame) -> Value:
        """`self.name(…)` of the class that is followed."""
        start = self.service or frame.owner
        for dotted in [start, *self.bases(start)]:
            found = self.method_of(dotted, name)
            if found is not None:
                return self.execute(found, arguments, options, dotted, frame)
            if dotted.startswith("ts."):
                break
        return UNKNOWN

    service = ""

    def run(self, dotted: str, arguments: list[Value], options: dict[str, Value], frame: Frame) -> Value:
        """A function of the archive."""
        found = self.function(dotted)
        return self.execute(found, arguments, options, "", frame) if found else UNKNOWN

    def execute(
        self,
        found: tuple[Code, Function],
        arguments: list[Value],
        options: dict[str, Value],
        owner: str,
        caller: Frame | None = None,
    ) -> Value:
        """Follow a function with these arguments; what it comes to."""
        frame = self.enter(found, arguments, options, owner, sure=caller.sure if caller else True)
        return frame.result() if frame else UNKNOWN

    def enter(
        self,
        found: tuple[Code, Function],
        arguments: list[Value],
        options: dict[str, Value],
        owner: str,
        *,
        sure: bool,
    ) -> Frame | None:
        """Follow the body of a function; None when calls are nested too deeply."""
        code, node = found
        if self.calls >= MAX_CALLS:
            return None
        frame = Frame(code, _bound(node, arguments, options, method=bool(owner)), owner, sure=sure)
        for decorator in node.decorator_list:
            self.value(decorator, frame)
        self.calls += 1
        self.block(node.body, frame)
        self.calls -= 1
        if yields(node):
            frame.returned, frame.left = [(Value("generator"), node.lineno, True)], True
        if isinstance(node, ast.AsyncFunctionDef):
            frame.returned, frame.left = [(Value("coroutine"), node.lineno, True)], True
        return frame


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


def _constants(options: dict[str, Value]) -> tuple[tuple[str, Any], ...]:
    """Keyword arguments with their values; those that are not known as `?`."""
    return tuple(
        (str(name), value.of if value.kind in {"number", "text"} else None if value.kind == "none" else "?")
        for name, value in options.items()
    )


def _bound(node: Function, arguments: list[Value], options: dict[str, Value], *, method: bool) -> dict[str, Value]:
    """The names of parameters with what they are given; defaults that are constants."""
    names = [each.arg for each in (*node.args.posonlyargs, *node.args.args)]
    static = any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in node.decorator_list)
    given = [Value("self"), *arguments] if method and not static else arguments
    bound = dict.fromkeys([*names, *(each.arg for each in node.args.kwonlyargs)], UNKNOWN)
    for name, default in zip(reversed(names), reversed(node.args.defaults), strict=False):
        bound[name] = constant(default.value) if isinstance(default, ast.Constant) else UNKNOWN
    bound |= dict(zip(names, given, strict=False))
    return bound | {str(name): value for name, value in options.items() if name in bound}
