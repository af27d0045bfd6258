"""Expressions, but for calls: names, attributes, elements and tests of what the server passes and the archive holds."""

import ast
from typing import Any

from modeldoctor.facts.archive import MODEL_DIR, Value
from modeldoctor.readers.archive.follow import MAX_STEPS, Code, Follower, Frame
from modeldoctor.readers.archive.values import (
    UNKNOWN,
    constant,
    item,
    joined,
    merged,
    text,
)

# What `context.system_properties` holds that is the same everywhere (ts/context.py).
SYSTEM = {
    "model_dir": text(MODEL_DIR),
    "gpu_id": UNKNOWN,
    "batch_size": UNKNOWN,
    "server_name": text("MMS"),
    "server_version": UNKNOWN,
    "limit_max_image_pixels": UNKNOWN,
}


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
                found_each = [self.value(each, frame) for each in elements]
                starred = any(isinstance(each, ast.Starred) for each in elements)
                kind = "list" if isinstance(node, ast.List) else "tuple"
                length = -1 if starred else len(elements)
                return Value(kind, number=length, of=found_each if kind == "tuple" else None)
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
            case _:
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
            return next((value for each in inner if (value := self.bound(each, name, code)) is not None), None)
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
            if key.text not in SYSTEM:
                self.act("raise", node, frame, call="KeyError", value=text(repr(key.text)))
            return SYSTEM.get(key.text, UNKNOWN)
        elif owner.kind == "loaded" and key.kind == "text":
            return owner._replace(text=f"{owner.text}.{key.text}".strip("."))
        elif isinstance(owner.of, dict | list) and owner.kind in {"dict", "list"} and key.of is not None:
            self.asked(owner, key.of, node, frame)
            element = item(owner, key.of)
            if element is None and isinstance(owner.of, dict):
                self.act("raise", node, frame, call="KeyError", value=text(repr(key.of)))
            return element or UNKNOWN
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
            return Value("list", text=f"{one.number} times the batch" if other.text == "len(data)" else "")
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

    def call(self, node: ast.Call, frame: Frame) -> Value:
        """What a call comes to."""
        raise NotImplementedError

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
            case _:
                return self.holds(self.quiet(node, frame))

    def holds(self, value: Value) -> bool | None:
        """Whether a value counts as true."""
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
        """Whether a comparison holds."""
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
