"""Expressions and calls: the half of following code that knows what the server passes and what loads a model."""

import ast
from typing import Any

from modeldoctor.facts.archive import MODEL_DIR, Value, in_folder
from modeldoctor.readers.archive.code import Function
from modeldoctor.readers.archive.follow import MAX_CALLS, MAX_STEPS, Code, Follower, Frame
from modeldoctor.readers.archive.values import (
    NONE,
    SAME,
    UNKNOWN,
    constant,
    item,
    joined,
    merged,
    text,
)

# Calls that load a model file given as their first argument, with the ways of `predict.load`.
LOADERS = frozenset({"torch.load", "torch.jit.load", "torch.export.load", "safetensors.torch.load_file", "joblib.load"})
_OPENERS = frozenset({"open", "io.open", "codecs.open", "numpy.load", "np.load", "numpy.loadtxt"})
_PATHS = frozenset({"os.path.abspath", "os.path.realpath", "os.path.normpath", "os.path.expanduser", "os.fspath",
                    "pathlib.Path", "pathlib.PurePath", "str", "os.path.expandvars"})  # fmt: skip
_TESTS = frozenset({"os.path.exists", "os.path.isfile", "os.path.lexists", "os.path.isdir"})
_TEXTS = frozenset({"json.dumps", "repr", "str", "ascii"})
_LISTS = frozenset({"list", "sorted"})
_SYSTEM = {"model_dir": text(MODEL_DIR), "server_name": text("MMS")}
# What a state_dict can be asked for; everything else belongs to a module.
_OF_DICTS = frozenset({"items", "keys", "values", "get", "pop", "copy", "update", "setdefault"})
# Method names that give a list, a text, a tuple.
_GIVES = {"tolist": "list", "join": "string", "format": "string", "split": "list", "items": "tuple", "decode": "string"}
# Where the classes of the server itself live.
STOCK = "ts.torch_handler."


class Evaluator(Follower):
    """Follows code with the manifest and the model's configuration as the worker has them."""

    def __init__(self, codes: dict[str, Code], members: dict[str, int], manifest: Any, config: Any) -> None:
        super().__init__(codes)
        self.members = members
        self.context: dict[str, Value] = {
            "manifest": constant(manifest),
            "model_yaml_config": constant({} if config is None else config)._replace(text="config"),
            "system_properties": Value("properties"),
            "_system_properties": Value("properties"),
        }
        self.of_module: dict[tuple[str, str], Value] = {}

    # ----------------------------------------------------------------------- values

    def value(self, node: ast.expr | None, frame: Frame) -> Value:
        """What an expression comes to; what it does is noted on the way."""
        self.steps += 1
        if node is None or self.steps > MAX_STEPS:
            return UNKNOWN
        match node:
            case ast.Constant(value=value):
                return constant(value)
            case ast.Name(id=name):
                return self.name(name, frame)
            case ast.Attribute():
                return self.attribute(node, frame)
            case ast.Subscript():
                return self.subscript(node, frame)
            case ast.Call():
                return self.call(node, frame)
            case ast.JoinedStr(values=values):
                return self.formatted(values, frame)
            case ast.BinOp():
                return self.operation(node, frame)
            case ast.BoolOp():
                return self.either(node, frame)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self.value(test, frame)
                known = self.truth(test, frame)
                if known is not None:
                    return self.value(body if known else orelse, frame)
                return merged(*self.unsure([body, orelse], frame))
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                values = [self.value(each, frame) for each in elements]
                starred = any(isinstance(each, ast.Starred) for each in elements)
                kind = "list" if isinstance(node, ast.List) else "tuple"
                return Value(kind, index=-1 if starred else len(values), of=values if kind == "tuple" else None)
            case ast.Dict(keys=keys, values=given):
                for each in [*keys, *given]:
                    self.value(each, frame)
                return Value("dict")
            case ast.ListComp(generators=generators) | ast.SetComp(generators=generators):
                return self.comprehension(node, generators, frame, "list" if isinstance(node, ast.ListComp) else "set")
            case ast.DictComp(generators=generators):
                return self.comprehension(node, generators, frame, "dict")
            case ast.GeneratorExp(generators=generators):
                return self.comprehension(node, generators, frame, "generator")
            case ast.NamedExpr(target=target, value=given):
                found = self.value(given, frame)
                self.assign(target, found, frame)
                return found
            case ast.Await(value=given) | ast.Starred(value=given):
                self.value(given, frame)
                return UNKNOWN
            case ast.Compare(left=left, comparators=others):
                for each in [left, *others]:
                    self.value(each, frame)
                return Value("number")
            case ast.UnaryOp(operand=operand):
                self.value(operand, frame)
                return Value("number")
            case ast.Set():
                return Value("set")
            case ast.Lambda():
                return Value("function")
        return UNKNOWN

    def unsure(self, nodes: list[ast.expr], frame: Frame) -> list[Value]:
        """Expressions of which not all are evaluated."""
        sure, frame.sure = frame.sure, False
        found = [self.value(node, frame) for node in nodes]
        frame.sure = sure
        return found

    def comprehension(self, node: ast.expr, parts: list[ast.comprehension], frame: Frame, kind: str) -> Value:
        """A list, set or dict of as many elements as nobody knows; its loops are looked at."""
        sure, names = frame.sure, dict(frame.names)
        for index, part in enumerate(parts):
            self.iterated(self.value(part.iter, frame), node, frame)
            frame.sure = False
            self.assign(part.target, UNKNOWN, frame)
            if index == len(parts) - 1 and isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
                self.value(node.elt, frame)
        frame.sure, frame.names = sure, names
        return Value(kind)

    def name(self, name: str, frame: Frame) -> Value:
        """A local name, then one of the module, then a builtin."""
        if name in frame.names:
            return frame.names[name]
        key = (frame.code.module.name, name)
        if key not in self.of_module:
            self.of_module[key] = UNKNOWN  # against circles
            self.of_module[key] = self.global_(name, frame.code)
        return self.of_module[key]

    def global_(self, name: str, code: Code) -> Value:
        """What the module binds to a name, when it binds it once and plainly."""
        kind = dict(code.module.bindings).get(name)
        if name == "__file__":
            return text(f"{MODEL_DIR}/{code.module.member}")
        if name == "__name__":
            return text(code.module.name)
        if kind is None:
            return Value("module", name)
        if kind in {"class", "function"}:
            return Value(kind, f"{code.module.name}.{name}")
        found = [self.bound(node, name, code) for node in code.tree.body]
        values = [value for value in found if value is not None]
        return values[-1] if len(values) == 1 else UNKNOWN

    def bound(self, node: ast.stmt, name: str, code: Code) -> Value | None:
        """What a statement at the top binds to the name; None when it does not bind it."""
        if isinstance(node, ast.Import | ast.ImportFrom):
            frame = Frame(code, {}, sure=False)
            acts = len(self.acts)
            self.import_(node, frame)
            del self.acts[acts:]
            return frame.names.get(name)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                acts = len(self.acts)
                found = self.value(node.value, Frame(code, {}))
                del self.acts[acts:]
                return found
        if isinstance(node, ast.Try | ast.If | ast.With):
            inner = [*node.body, *getattr(node, "orelse", [])]
            return next((found for each in inner if (found := self.bound(each, name, code)) is not None), None)
        return None

    def attribute(self, node: ast.Attribute, frame: Frame) -> Value:
        """An attribute of what is known."""
        owner, name = self.value(node.value, frame), node.attr
        if owner.kind == "none":
            said = f"AttributeError: 'NoneType' object has no attribute '{name}'"
            self.act("none", node, frame, call=said)
            return UNKNOWN
        if owner.kind == "context":
            return self.context.get(name, UNKNOWN)
        if owner.kind == "self":
            return self.attributes.get(name, UNKNOWN)
        if owner.kind == "module":
            return self.dotted(f"{owner.text}.{name}")
        if owner.kind == "text" and name == "parent":
            return text(owner.text.rpartition("/")[0] or ".")
        return UNKNOWN

    def subscript(self, node: ast.Subscript, frame: Frame) -> Value:
        """An element of what is known: of the manifest, the properties, a loaded file."""
        owner, key = self.value(node.value, frame), self.value(node.slice, frame)
        if owner.kind == "none":
            self.act("none", node, frame, call="TypeError: 'NoneType' object is not subscriptable")
        elif owner.kind == "properties" and key.kind == "text":
            return _SYSTEM.get(key.text, UNKNOWN)
        elif owner.kind == "loaded" and key.kind == "text":
            return owner._replace(text=f"{owner.text}.{key.text}".strip("."))
        elif isinstance(owner.of, dict | list) and owner.kind in {"dict", "list"} and key.of is not None:
            self.asked(owner, key.of, node, frame)
            found = item(owner, key.of)
            if found is None and isinstance(owner.of, dict):
                self.act("raise", node, frame, call="KeyError", value=text(repr(key.of)))
            return found or UNKNOWN
        return UNKNOWN

    def asked(self, owner: Value, key: Any, node: ast.AST, frame: Frame) -> None:
        """Note which keys of model-config.yaml the code reads itself."""
        if owner.text == "config" and isinstance(key, str):
            self.act("config", node, frame, call=key)

    def formatted(self, parts: list[ast.expr], frame: Frame) -> Value:
        """An f-string."""
        found = ""
        known = True
        for part in parts:
            value = self.value(part.value if isinstance(part, ast.FormattedValue) else part, frame)
            plain = not isinstance(part, ast.FormattedValue) or part.format_spec is None
            known = known and plain and (value.kind == "text" or (value.kind == "number" and value.of is not None))
            found += value.text or str(value.of)
        return text(found) if known else Value("string")

    def operation(self, node: ast.BinOp, frame: Frame) -> Value:
        """Texts put together, paths joined, lists repeated."""
        left, right = self.value(node.left, frame), self.value(node.right, frame)
        if isinstance(node.op, ast.Add) and left.kind == right.kind == "text":
            return text(left.text + right.text)
        if isinstance(node.op, ast.Div):
            return joined([left, right])
        kinds = {left.kind, right.kind}
        if isinstance(node.op, ast.Mult) and "list" in kinds:
            one = left if left.kind == "list" else right
            other = right if one is left else left
            return Value("list", text=f"{one.index} times the batch" if other.text == "len(data)" else "")
        if isinstance(node.op, ast.Add) and "list" in kinds:
            return Value("list")
        if (
            kinds & {"string", "text"}
            and kinds <= {"string", "text", "unknown"}
            and isinstance(node.op, ast.Add | ast.Mod)
        ):
            return Value("string")
        return UNKNOWN

    def either(self, node: ast.BoolOp, frame: Frame) -> Value:
        """`a or b` where `a` is known."""
        first, *others = node.values
        value = self.value(first, frame)
        rest = self.unsure(others, frame)
        if isinstance(node.op, ast.Or) and value.kind == "none" and len(rest) == 1:
            return rest[0]
        if isinstance(node.op, ast.Or) and value.kind in {"text", "number"} and value.of:
            return value
        return UNKNOWN

    def truth(self, node: ast.expr, frame: Frame) -> bool | None:
        """Whether a test holds, as far as it is about what is known: None, constants, members of the archive."""
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                known = self.truth(operand, frame)
                return None if known is None else not known
            case ast.BoolOp(op=op, values=values):
                found = [self.truth(each, frame) for each in values]
                decisive = isinstance(op, ast.Or)
                if decisive in found:
                    return decisive
                return None if None in found else not decisive
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.compared(op, self.quiet(left, frame), self.quiet(right, frame))
        value = self.quiet(node, frame)
        if value.kind == "none":
            return False
        if value.kind in {"text", "number"} and value.of is not None:
            return bool(value.of)
        return True if value.kind in {"instance", "class", "function", "context", "self"} else None

    def quiet(self, node: ast.expr, frame: Frame) -> Value:
        """The value of an expression that was looked at already."""
        acts = len(self.acts)
        found = self.value(node, frame)
        del self.acts[acts:]
        return found

    def compared(self, op: ast.cmpop, left: Value, right: Value) -> bool | None:
        known = {"text", "number", "none", "data", "context", "instance", "self", "class", "list", "dict", "loaded"}
        if isinstance(op, ast.Is | ast.IsNot | ast.Eq | ast.NotEq) and "none" in {left.kind, right.kind}:
            if not {left.kind, right.kind} <= known:
                return None
            return (left.kind == right.kind) == isinstance(op, ast.Is | ast.Eq)
        if isinstance(op, ast.Eq | ast.NotEq) and {left.kind, right.kind} <= {"text", "number"}:
            return None if None in (left.of, right.of) else (left.of == right.of) == isinstance(op, ast.Eq)
        if isinstance(op, ast.In | ast.NotIn) and isinstance(right.of, dict) and left.kind == "text":
            return (left.text in right.of) == isinstance(op, ast.In)
        return None

    # ----------------------------------------------------------------------- calls

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
        options = {word.arg: self.value(word.value, frame) for word in node.keywords if word.arg}
        made = owner.kind == "module" and "()" in owner.text  # an object of a library
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
        self, node: ast.Call, name: str, arguments: list[Value], options: dict[str | None, Value], frame: Frame
    ) -> Value:
        """A function of Python, torch or another library."""
        first = arguments[0] if arguments else options.get("path") or options.get("f") or UNKNOWN
        if name in LOADERS:
            index = self.act("load", node, frame, call=name, value=first, options=_constants(options))
            return Value("loaded", index=index)
        if name in _OPENERS:
            mode = arguments[1] if len(arguments) > 1 else options.get("mode", text("r"))
            if mode.kind == "text" and not set(mode.text) & set("wax+"):
                self.act("open", node, frame, call=name, value=first)
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
        options: dict[str | None, Value],
        frame: Frame,
    ) -> Value:
        """A method of what is known."""
        first = arguments[0] if arguments else UNKNOWN
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
                return _SYSTEM.get(first.text, UNKNOWN)
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

    def own(self, name: str, arguments: list[Value], options: dict[str | None, Value], frame: Frame) -> Value:
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

    def run(self, dotted: str, arguments: list[Value], options: dict[str | None, Value], frame: Frame) -> Value:
        """A function of the archive."""
        found = self.function(dotted)
        return self.execute(found, arguments, options, "", frame) if found else UNKNOWN

    def execute(
        self,
        found: tuple[Code, Function],
        arguments: list[Value],
        options: dict[str | None, Value],
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
        options: dict[str | None, Value],
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
        if isinstance(node, ast.AsyncFunctionDef):
            frame.returned, frame.left = [(Value("coroutine"), node.lineno, True)], True
        return frame


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


def _constants(options: dict[str | None, Value]) -> tuple[tuple[str, Any], ...]:
    """Keyword arguments with their values; those that are not known as `?`."""
    return tuple((str(name), value.of if value.kind in {"number", "text"} else None if value.kind == "none" else "?")
                 for name, value in options.items())  # fmt: skip


def _bound(
    node: Function, arguments: list[Value], options: dict[str | None, Value], *, method: bool
) -> dict[str, Value]:
    """The names of parameters with what they are given; defaults that are constants."""
    names = [each.arg for each in (*node.args.posonlyargs, *node.args.args)]
    static = any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in node.decorator_list)
    given = [Value("self"), *arguments] if method and not static else arguments
    bound = dict.fromkeys([*names, *(each.arg for each in node.args.kwonlyargs)], UNKNOWN)
    for name, default in zip(reversed(names), reversed(node.args.defaults), strict=False):
        bound[name] = constant(default.value) if isinstance(default, ast.Constant) else UNKNOWN
    bound |= dict(zip(names, given, strict=False))
    return bound | {str(name): value for name, value in options.items() if name in bound}
