"""Which expressions are models, where they were loaded, and what is done with them."""

import ast
from collections.abc import Iterable
from typing import NamedTuple

from modeldoctor.readers.source.detail.trees import Found, Page
from modeldoctor.readers.source.expressions import UNTELLING, text_of
from modeldoctor.readers.source.loads import LoadSite
from modeldoctor.readers.source.names import Names, Symbol
from modeldoctor.readers.source.syntax import Module, Scope

# Methods of a module that return the module itself.
_SAME = (".to()", ".eval()", ".cuda()", ".cpu()", ".half()", ".float()", ".double()", ".train()", ".requires_grad_()",
         ".bfloat16()", ".share_memory()", ".type()", ".compile()")  # fmt: skip
_MODULE_BASES = (
    "torch.nn.Module", "torch.nn.modules.module.Module", "pytorch_lightning.LightningModule",
    "lightning.LightningModule",
    "lightning.pytorch.LightningModule", "transformers.PreTrainedModel",
    "pytorch_lightning.core.lightning.LightningModule",
)  # fmt: skip
# What returns a module, in the mode it was built in.
_MAKERS = ("torch.nn.Sequential", "torch.nn.DataParallel", "torchvision.models.", "torch.jit.load",
           "timm.create_model", "segmentation_models_pytorch.")  # fmt: skip
# Methods that run a model; the first group leaves gradients on, the second looks after them itself.
FORWARD = frozenset({"forward", "__call__"})
PREDICTING = frozenset(
    {"predict", "predict_proba", "generate", "encode", "transcribe", "run", "detect", "infer", "track", "predict_step",
     "__call__", "readtext", "get_image_features", "get_text_features"}
)  # fmt: skip
# Methods that only a module has, or something that was pickled as one.
_OF_MODULES = frozenset({"eval", "forward", "parameters", "modules", "children", "train", "predict", "state_dict"})
# Last names that say "a model" where nothing else is known of them.
MODEL_NAMES = frozenset(
    {"model", "net", "network", "classifier", "detector", "encoder", "MODEL", "NET", "_model", "_net"}
)


class Model(NamedTuple):
    """What is known of a model. kind: see `Inference`; `symbol` is None for one that only its name tells."""

    kind: str
    symbol: Symbol | None


class Uses:
    """Who uses what torch.load and the like returned, over all files that were looked at."""

    def __init__(self, loads: Iterable[LoadSite], names: Names) -> None:
        self.names = names
        self.sites: dict[tuple[str, str, str], list[LoadSite]] = {}
        for load in loads:
            self.sites.setdefault((load.path, load.scope, load.call.target), []).append(load)
        self.of: dict[tuple[str, str, str], set[str]] = {}
        self.files = tuple(dict.fromkeys(path for path, _, _ in self.sites))
        self._everywhere: dict[str, list[tuple[str, str, Module, Scope]]] | None = None
        self._stored: dict[str, dict[str, list[tuple[str, str, Module, Scope]]]] = {}
        self.eval_files: set[str] = set()

    def model(self, text: str, module: Module, scope: Scope, *, torch_here: bool) -> Model | None:
        """What a text stands for when that is a model."""
        symbol = self.symbol(text, module, scope)
        kind = self.kind(symbol)
        if kind is not None:
            return Model(kind, symbol)
        unknown = symbol is None or "<lambda" in symbol.name
        if unknown and torch_here and text.rpartition(".")[2] in MODEL_NAMES:
            return Model("named", None)
        return None

    def symbol(self, text: str, module: Module, scope: Scope) -> Symbol | None:
        """The symbol of a text, looked up among stored values (`app.state.net`, `models[]`) where it is no name."""
        found = self.names.resolve(text, module, scope)
        if self.kind(found) is not None or ("." not in text and "[]" not in text):
            return found
        last = text.rpartition(".")[2]
        elsewhere = self.everywhere.get(last, ()) if ".state." in text else ()
        for stored, value, holder, each in (*self.stored(module.path).get(last, ()), *elsewhere):
            if stored == text or ".state." in stored:
                symbol = self.names.resolve(value, holder, each)
                if self.kind(symbol) is not None:
                    return symbol
        return found

    @property
    def everywhere(self) -> dict[str, list[tuple[str, str, Module, Scope]]]:
        """What all files with loads assign, by the last part of its text."""
        if self._everywhere is None:
            self._everywhere = {}
            for path in self.files:
                for last, entries in self.stored(path).items():
                    self._everywhere.setdefault(last, []).extend(entries)
        return self._everywhere

    def stored(self, path: str) -> dict[str, list[tuple[str, str, Module, Scope]]]:
        """What a file assigns to attributes and entries, by the last part of their text."""
        if path not in self._stored:
            table = self._stored[path] = {}
            module = self.names.project.module(path)
            for scope in module.scopes.values() if module is not None else ():
                for text, value in scope.values.items():
                    if module is not None and value not in UNTELLING and ("." in text or "[]" in text):
                        table.setdefault(text.rpartition(".")[2], []).append((text, value, module, scope))
        return self._stored[path]

    def kind(self, symbol: Symbol | None) -> str | None:
        """`module`, `loaded`, `hub`, `pretrained` or `predictor`, or None for what is no model."""
        if symbol is None:
            return None
        if symbol.kind == "instance":
            return "module" if self.is_module(symbol) else None
        if symbol.kind != "external" or "()" not in symbol.name:
            return None
        name = strip(symbol.name)
        if name in {"torch.load()", "torch.serialization.load()"}:
            return "loaded"
        if name.endswith("()") and name[:-2] in _MODULE_BASES:
            return "module"  # `Net().to(device)`
        sites = self.sites.get(symbol.origin) if symbol.origin is not None else None
        if name == "torch.hub.load()":
            return "hub"
        if name.startswith(_MAKERS) and name.endswith("()") and "_Weights." not in name:
            return "module" if name.count("()") == 1 else None
        if sites and name == f"{sites[0].loader.name}()" and sites[0].loader.kind == "weights":
            return (
                "pretrained"
                if name.startswith(("transformers.", "peft.")) and "from_pretrained" in name
                else "predictor"
            )
        return None

    def is_module(self, symbol: Symbol) -> bool:
        """Whether a project class is an `nn.Module`."""
        return any(base.kind == "external" and base.name in _MODULE_BASES for base in self.names.bases(symbol))

    def note(self, page: Page) -> None:
        """Remember what a file does with loaded objects."""
        for found in page.each(ast.Call):
            node = found.node
            assert isinstance(node, ast.Call)
            target = text_of(node.func)
            last = target.rpartition(".")[2]
            if last == "eval" and "." in target:
                self.eval_files.add(page.module.path)
            if last == "load_state_dict" and node.args:
                self.use(text_of(node.args[0]), "state_dict", found, page)
            self.use(target, "module", found, page)
            if "." in target and last in _OF_MODULES:
                self.use(target.rpartition(".")[0], "module", found, page)
            if "." in target and last in {"keys", "items", "values", "get", "pop"}:
                self.use(target.rpartition(".")[0], "mapping", found, page)
        for found in page.each(ast.Subscript):
            assert isinstance(found.node, ast.Subscript)
            self.use(text_of(found.node.value), "mapping", found, page)

    def use(self, text: str, how: str, found: Found, page: Page) -> None:
        """Note a use of an object if it is one that was loaded."""
        if "?" in text or text in UNTELLING:
            return
        symbol = self.symbol(text, page.module, found.around.scope)
        if symbol is not None and symbol.origin in self.sites and strip(symbol.name).count("()") == 1:
            site = self.sites[symbol.origin][0]
            if strip(symbol.name) == f"{site.loader.name}()":
                self.of.setdefault(symbol.origin, set()).add(how)

    def of_site(self, site: LoadSite) -> frozenset[str]:
        """What is done with what a load returned."""
        return frozenset(self.of.get((site.path, site.scope, site.call.target), ()))


def imports_torch(module: Module) -> bool:
    """Whether a file imports torch at its top."""
    return any(dotted.partition(".")[0] == "torch" for dotted in module.body.imports.values())


def strip(name: str) -> str:
    """A dotted name without the methods that return the object itself: `torch.load().to().eval()` → `torch.load()`."""
    changed = True
    while changed:
        changed = False
        for suffix in _SAME:
            if name.endswith(suffix) and name != suffix:
                name, changed = name.removesuffix(suffix), True
    return name
