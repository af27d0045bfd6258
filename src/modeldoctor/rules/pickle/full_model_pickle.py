"""MDR201: a whole module object instead of its state_dict."""

from collections.abc import Iterable, Iterator

from modeldoctor.facts.checkpoint import Checkpoint, Instance
from modeldoctor.findings import Hit, Severity, Where
from modeldoctor.predict.globals import looks_like_function
from modeldoctor.rules.base import Context, place, rule
from modeldoctor.rules.pickle._uses import Use, at, by_module, unpickled, uses
from modeldoctor.wording import listing, quoted

# What torch.nn.Module keeps in every instance (torch/nn/modules/module.py, Module.__init__), so what a pickled one has.
_MODULE_ATTRIBUTES = frozenset({"_parameters", "_buffers", "_modules"})


@rule(
    Checkpoint,
    code="MDR201",
    slug="full-model-pickle",
    severity=Severity.WARNING,
    since="0.1",
    summary="the file pickles a whole model object instead of its state_dict",
)
def full_model_pickle(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The model object itself was saved, with `torch.save(model, path)`, instead of its weights.

    ## What it finds
    Instances of `torch.nn.Module` classes in the pickle, at the root of the file or inside a training checkpoint
    (`checkpoint["model"]`). The finding names the class and the modules that must be importable when it is loaded.

    ## Why it matters
    Such a file holds no code, only the names of classes and the attributes of their instances. Loading it imports the
    modules by name and sets the attributes, so

    * the code must be importable under the very names it had when the file was written, and renaming or moving a module
      breaks every file,
    * attributes that a newer class needs are missing, which shows only in the forward pass (`nn.GELU` of torch 1.10 has
      no `approximate`),
    * `torch.load` of torch 2.6 and later refuses it unless `weights_only=False` is passed, which lets a file run
      code.

    ## Seen as
    * `ModuleNotFoundError: No module named 'shop'`
    * `AttributeError: Can't get attribute 'Net' on <module '__main__' from '/srv/venv/bin/gunicorn'>`
    * `_pickle.UnpicklingError: Weights only load failed. … Unsupported global: GLOBAL shop.nets.Net was not an allowed
      global by default.` (torch 2.6 and later)
    * `AttributeError: 'GELU' object has no attribute 'approximate'`

    ## Fix
    Where the file still loads, write the weights alone, and build the model from code when serving:

    ```python
    model = torch.load("model.pt", weights_only=False)      # only if you trust the file
    torch.save(model.state_dict(), "weights.pt")

    model = Net()                                            # in the service
    model.load_state_dict(torch.load("weights.pt", weights_only=True))
    model.eval()
    ```

    ## References
    * https://pytorch.org/docs/stable/notes/serialization.html
    * `torch/serialization.py`, `load`, the default of `weights_only`
    """
    if not unpickled(checkpoint):
        return
    found = _model(checkpoint)
    if found is None:
        return
    path, name, where = found
    yield Hit(
        _message(path, name),
        where=where,
        fix=f"save `{path or 'model'}.state_dict()` and build the model from code when serving"
        if not path or path.isidentifier()
        else "save the `state_dict()` of the model and build it from code when serving",
        notes=_needs(filter(_must_be_importable, uses(checkpoint, context))),
        key=name,
        data={"root_class": name, "path": path},
    )


def _message(path: str, name: str) -> str:
    if path:
        return f"{quoted(path)} in the file is a whole {quoted(name)} object instead of a state_dict"
    if looks_like_function(name):
        return f"the file pickles a whole model, which {quoted(name)} rebuilds, instead of its state_dict"
    return f"the file pickles a whole {quoted(name)} object instead of its state_dict"


def _model(checkpoint: Checkpoint) -> tuple[str, str, Where] | None:
    """Where the outermost module stands in the object, its class, and the place in the file."""
    anatomy = checkpoint.anatomy
    for pickle in checkpoint.pickles:
        modules = [each for each in pickle.instances if _is_model(each)]
        if modules:
            outermost = min(modules, key=lambda each: (each.path != anatomy.weights_key, _depth(each)))
            # What is around it counts when that is an object too: a Learner, a compiled module.
            path, name = ("", anatomy.root_class) if anatomy.root_class else (outermost.path, str(outermost))
            positions = (entry.position for entry in pickle.globals if str(entry) == name)
            return path, name, at(checkpoint, pickle, next(positions, 0))
    if anatomy.contents == "module" and anatomy.root_class:
        main = checkpoint.main_pickle
        return "", anatomy.root_class, place(checkpoint, main.member if main else None)
    return None


def _is_model(instance: Instance) -> bool:
    """Whether it is a module that could be the model: fastai keeps a loss beside it."""
    return instance.attributes >= _MODULE_ATTRIBUTES and instance.module != "torch.nn.modules.loss"


def _depth(instance: Instance) -> int:
    return instance.path.count(".") + 1 if instance.path else 0


def _must_be_importable(use: Use) -> bool:
    return use.origin.owner in {"main", "package", "project"} and use.judgement.kind != "code"


def _needs(found: Iterable[Use]) -> tuple[tuple[str, str], ...]:
    modules = list(by_module(found))
    return (("needs", f"importable when it is loaded: {listing(modules, 5)}"),) if modules else ()
