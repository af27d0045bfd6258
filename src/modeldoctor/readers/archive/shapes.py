"""The state_dict that a model class would have, from its `__init__`, where that is plain enough to be read."""

import ast
from typing import Any, NamedTuple

from modeldoctor.facts.archive import Shape
from modeldoctor.readers.archive.code import Function
from modeldoctor.readers.archive.follow import Code
from modeldoctor.readers.source.expressions import text_of

Keys = dict[str, tuple[int, ...] | None]

# Layers without parameters and buffers: torch/nn/modules.
_BARE = frozenset(
    [
        "AdaptiveAvgPool1d",
        "AdaptiveAvgPool2d",
        "AdaptiveAvgPool3d",
        "AdaptiveMaxPool1d",
        "AdaptiveMaxPool2d",
        "AdaptiveMaxPool3d",
        "AlphaDropout",
        "AvgPool1d",
        "AvgPool2d",
        "AvgPool3d",
        "BCELoss",
        "CELU",
        "ChannelShuffle",
        "ConstantPad1d",
        "ConstantPad2d",
        "CosineSimilarity",
        "Dropout",
        "Dropout1d",
        "Dropout2d",
        "Dropout3d",
        "ELU",
        "FeatureAlphaDropout",
        "Flatten",
        "Fold",
        "GELU",
        "GLU",
        "Hardshrink",
        "Hardsigmoid",
        "Hardswish",
        "Hardtanh",
        "Identity",
        "L1Loss",
        "LPPool1d",
        "LPPool2d",
        "LeakyReLU",
        "LogSigmoid",
        "LogSoftmax",
        "MSELoss",
        "MaxPool1d",
        "MaxPool2d",
        "MaxPool3d",
        "Mish",
        "NLLLoss",
        "PairwiseDistance",
        "PixelShuffle",
        "PixelUnshuffle",
        "ReLU",
        "ReLU6",
        "ReflectionPad1d",
        "ReflectionPad2d",
        "ReplicationPad1d",
        "ReplicationPad2d",
        "SELU",
        "SiLU",
        "Sigmoid",
        "Softmax",
        "Softmax2d",
        "Softmin",
        "Softplus",
        "Softshrink",
        "Softsign",
        "Tanh",
        "Tanhshrink",
        "Threshold",
        "Unflatten",
        "Unfold",
        "Upsample",
        "UpsamplingBilinear2d",
        "UpsamplingNearest2d",
        "ZeroPad1d",
        "ZeroPad2d",
    ]
)
# How many dimensions the kernel of a convolution has.
_DIMENSIONS = {"1": 1, "2": 2, "3": 3}
_MODULES = frozenset({"torch.nn.Module", "torch.nn.modules.module.Module"})
# Classes inside classes, and layers, that are followed.
_MAX_DEPTH, _MAX_KEYS = 8, 20_000


class _Layer(NamedTuple):
    keys: Keys | None  # None: a module whose keys are not known
    module: bool = True


def shape_of(codes: dict[str, Code], dotted: str) -> Shape | None:
    """The keys that a class of the archive gives its state_dict; None for what is no `torch.nn.Module`."""
    return _Reader(codes).shape(dotted, {}, 0)


class _Reader:
    def __init__(self, codes: dict[str, Code]) -> None:
        self.codes = codes
        self.count = 0

    def shape(self, dotted: str, given: dict[str, Any], depth: int) -> Shape | None:
        module, _, name = dotted.rpartition(".")
        code = self.codes.get(module)
        node = (
            next((each for each in code.tree.body if isinstance(each, ast.ClassDef) and each.name == name), None)
            if code
            else None
        )
        if code is None or node is None or depth > _MAX_DEPTH:
            return None
        bases = [self.full(text_of(base), code) for base in node.bases]
        if not bases or not set(bases) <= _MODULES:
            return Shape(dotted)
        inits = [each for each in node.body if isinstance(each, Function) and each.name == "__init__"]
        if any(
            isinstance(each, Function) and each.name in {"load_state_dict", "_load_from_state_dict", "__setattr__"}
            for each in node.body
        ):
            return Shape(dotted)
        return (
            _Init(self, code, given, depth).read(dotted, inits[-1]) if inits else Shape(dotted, (), True, frozenset())
        )

    def full(self, name: str, code: Code) -> str:
        """The dotted name behind a local one, by the imports of the module."""
        head, dot, rest = name.partition(".")
        for found in code.module.imports:
            if head in found.names:
                return f"{found.module}.{name}"
            if not found.names and found.module.partition(".")[0] == head:
                return name
        aliases = {
            alias.asname: alias.name if isinstance(each, ast.Import) else f"{each.module}.{alias.name}"
            for each in code.tree.body
            if isinstance(each, ast.Import | ast.ImportFrom)
            for alias in each.names
            if alias.asname
        }
        if head in aliases:
            return f"{aliases[head]}{dot}{rest}"
        return f"{code.module.name}.{name}" if code.module.named(head) else name


class _Init:
    """The statements of one `__init__`."""

    def __init__(self, reader: _Reader, code: Code, given: dict[str, Any], depth: int) -> None:
        self.reader = reader
        self.code = code
        self.names = dict(given)
        self.depth = depth
        self.keys: Keys = {}
        self.roots: set[str] = set()
        self.whole = True
        self.open = False  # anything may have been registered

    def read(self, dotted: str, node: Function) -> Shape:
        arguments = node.args.args
        for argument, default in zip(reversed(arguments), reversed(node.args.defaults), strict=False):
            if argument.arg not in self.names and isinstance(default, ast.Constant):
                self.names[argument.arg] = default.value
        for statement in node.body:
            self.statement(statement)
        roots = None if self.open else frozenset(self.roots)
        return Shape(dotted, tuple(self.keys.items()), self.whole and not self.open, roots)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=value):
                self.register(name, self.layer(value))
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.names[name] = self.plain(value)
                if self.names[name] is None and isinstance(value, ast.Call):
                    self.names[name] = self.layer(value)
            case ast.Expr(value=ast.Constant()) | ast.Pass() | ast.Assert() | ast.Import() | ast.ImportFrom():
                pass
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr="__init__"))):
                pass
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(value=ast.Name(id="self"), attr=attribute),
                    args=[ast.Constant(value=str(name)), _],
                    keywords=[],
                )
            ) if attribute in {"register_buffer", "register_parameter"}:
                self.register(name, _Layer({"": None}))
            case _:
                self.open = True

    def register(self, name: str, layer: _Layer) -> None:
        """An attribute; what it was before is gone."""
        self.keys = {key: shape for key, shape in self.keys.items() if key != name and not key.startswith(f"{name}.")}
        if not layer.module:
            return
        self.roots.add(name)
        if layer.keys is None:
            self.whole = False
        else:
            self.keys |= {f"{name}.{key}".rstrip("."): shape for key, shape in layer.keys.items()}
        self.reader.count += len(self.keys)
        if self.reader.count > _MAX_KEYS:
            self.open = True

    def layer(self, node: ast.expr) -> _Layer:
        """The keys below what is assigned."""
        if isinstance(node, ast.Name) and isinstance(self.names.get(node.id), _Layer):
            found: _Layer = self.names[node.id]
            return found
        if not isinstance(node, ast.Call):
            plain = isinstance(
                node, ast.Constant | ast.List | ast.Tuple | ast.Dict | ast.BinOp | ast.Compare | ast.Lambda
            )
            return _Layer({}, module=False) if plain or self.plain(node) is not None else _Layer(None)
        name = self.reader.full(text_of(node.func), self.code)
        if name in {"torch.nn.Parameter", "torch.nn.parameter.Parameter"}:
            return _Layer({"": None})
        if name.startswith("torch.nn.") and name.count(".") == 2:
            return _Layer(self.built_in(name[9:], node))
        module, _, attribute = name.rpartition(".")
        if module in self.reader.codes and self.reader.codes[module].module.named(attribute):
            given = {word.arg: self.plain(word.value) for word in node.keywords if word.arg}
            plain = not node.args and None not in given.values()
            shape = self.reader.shape(name, given, self.depth + 1) if plain or not node.args else None
            return _Layer(dict(shape.keys) if shape and shape.whole else None)
        return _Layer(None)

    def built_in(self, name: str, node: ast.Call) -> Keys | None:
        """Keys and shapes of a layer of torch.nn; None for one that is not known here."""
        if any(isinstance(each, ast.Starred) for each in node.args) or any(word.arg is None for word in node.keywords):
            return None
        if name in _BARE:
            return {}
        if name in {"Sequential", "ModuleList"}:
            return self.sequence(name, node)
        given = [self.plain(each) for each in node.args]
        options = {word.arg: self.plain(word.value) for word in node.keywords if word.arg}
        for word in ("bias", "affine", "track_running_stats", "elementwise_affine"):
            if word in options and not isinstance(options[word], bool):
                return None
        return _keys(name, given, options)

    def sequence(self, name: str, node: ast.Call) -> Keys | None:
        items = node.args
        if name == "ModuleList":
            if len(items) != 1 or not isinstance(items[0], ast.List):
                return None
            items = items[0].elts
        found: Keys = {}
        for index, each in enumerate(items):
            layer = self.layer(each)
            if layer.keys is None or not layer.module:
                return None
            found |= {f"{index}.{key}".rstrip("."): shape for key, shape in layer.keys.items()}
        return found

    def plain(self, node: ast.expr) -> Any:
        """A number, a truth value or a tuple of numbers; None when it is not known."""
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as value):
                return value
            case ast.Name(id=name):
                return self.names.get(name) if not isinstance(self.names.get(name), _Layer) else None
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                values = [self.plain(each) for each in elements]
                return tuple(values) if all(isinstance(value, int) for value in values) else None
            case ast.BinOp(left=left, op=op, right=right):
                first, second = self.plain(left), self.plain(right)
                if type(first) is int and type(second) is int and abs(first) < 1 << 40 and abs(second) < 1 << 40:
                    if isinstance(op, ast.Mult):
                        return first * second
                    if isinstance(op, ast.Add):
                        return first + second
                    if isinstance(op, ast.FloorDiv) and second:
                        return first // second
            case _:
                pass
        return None


def _keys(name: str, given: list[Any], options: dict[str, Any]) -> Keys | None:
    """Shapes as the modules of torch/nn/modules create them; a None inside means that the shape is not known."""

    def argument(index: int, *names: str, default: Any = None) -> Any:
        return (
            given[index] if index < len(given) else next((options[each] for each in names if each in options), default)
        )

    if name == "Linear":
        size, out, bias = argument(0, "in_features"), argument(1, "out_features"), argument(2, "bias", default=True)
        return {"weight": _shape(out, size), **({"bias": _shape(out)} if bias else {})}
    if name[:-2] in {"Conv", "ConvTranspose"} and name[-2] in _DIMENSIONS and name[-1] == "d":
        return _convolution(name, argument)
    if name[:-2] == "BatchNorm" or name == "SyncBatchNorm":
        size = _shape(argument(0, "num_features"))
        affine, tracks = argument(3, "affine", default=True), argument(4, "track_running_stats", default=True)
        buffers: Keys = {"running_mean": size, "running_var": size, "num_batches_tracked": ()}
        return {**({"weight": size, "bias": size} if affine else {}), **(buffers if tracks else {})}
    if name == "LayerNorm":
        size = argument(0, "normalized_shape")
        shape = size if isinstance(size, tuple) else _shape(size)
        return (
            {"weight": shape, "bias": shape}
            if argument(2, "elementwise_affine", default=True) and "bias" not in options
            else None
        )
    if name == "GroupNorm":
        return {"weight": _shape(argument(1, "num_channels")), "bias": _shape(argument(1, "num_channels"))}
    if name == "Embedding":
        return {"weight": _shape(argument(0, "num_embeddings"), argument(1, "embedding_dim"))}
    return {"weight": None} if name == "PReLU" else None


def _convolution(name: str, argument: Any) -> Keys:
    dimensions = _DIMENSIONS[name[-2]]
    size, out, kernel = argument(0, "in_channels"), argument(1, "out_channels"), argument(2, "kernel_size")
    transposed = name.startswith("ConvTranspose")
    groups, bias = (argument(6, "groups", default=1), argument(7, "bias", default=True))
    kernels = kernel if isinstance(kernel, tuple) else (kernel,) * dimensions
    whole = type(size) is int and type(out) is int and type(groups) is int and groups > 0
    first, second = ((size, out) if transposed else (out, size)) if whole else (None, None)
    weight = _shape(first, second // groups if second is not None else None, *kernels)
    return {"weight": weight, **({"bias": _shape(out)} if bias else {})}


def _shape(*sizes: Any) -> tuple[int, ...] | None:
    return tuple(sizes) if all(type(size) is int for size in sizes) else None
