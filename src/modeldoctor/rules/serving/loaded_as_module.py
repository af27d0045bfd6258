"""MDR517: what `torch.load` returned is used as what it is not."""

from collections.abc import Iterator

from modeldoctor.facts.source import ModelLoad, Source
from modeldoctor.findings import Confidence, Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, call, in_service, release, torch_load

_REFUSED_SINCE = (2, 6)  # torch/serialization.py, the first default of True


@rule(
    Source,
    code="MDR517",
    slug="loaded-as-module",
    severity=Severity.WARNING,
    since="0.1",
    summary="the result of torch.load is used as a whole model, or as something the file does not hold",
)
def loaded_as_module(source: Source, context: Context) -> Iterator[Hit]:
    """The code calls what `torch.load` returned, so the file must hold a whole pickled model.

    ## What it finds
    Results of `torch.load` that are called, put into evaluation mode or moved like a module, where
    `weights_only=False` is not passed. When the file can be read, also what does not fit it: a state_dict that is
    called, a whole model that is given to `load_state_dict`. With torch 2.6 and later, or when the target is not
    known, a load of a whole model without `weights_only=False` is an error, since the default refuses it.

    ## Why it matters
    A whole model is a pickle of classes. `torch.load` of torch 2.6 and later refuses it by default; before, it runs
    any code in the file, and in every release it needs the classes under the very module names they had when it was
    saved. A state_dict that is called, on the other hand, fails at the first request.

    ## Seen as
    * `_pickle.UnpicklingError: Weights only load failed. … Unsupported global: GLOBAL __main__.Net was not an allowed
      global by default.`
    * `AttributeError: Can't get attribute 'Net' on <module '__main__' …>` under gunicorn
    * `TypeError: 'collections.OrderedDict' object is not callable`
    * `AttributeError: 'OrderedDict' object has no attribute 'eval'`

    ## Fix
    Build the model from code, and load its weights:

    ```python
    model = Net()
    model.load_state_dict(torch.load("weights.pt", map_location="cpu", weights_only=True))
    model.eval()
    ```

    ## References
    * https://pytorch.org/tutorials/beginner/saving_loading_models.html
    * `torch/serialization.py`, `load`
    """
    known = source.version("torch")
    pinned = context.target.torch.release if context.target.torch is not None else release(known[0]) if known else ()
    refused = not pinned or pinned[:2] >= _REFUSED_SINCE
    for load in source.loads:
        if not torch_load(load) or not in_service(load):
            continue
        contents = load.checkpoint.anatomy.contents if load.checkpoint is not None else "unknown"
        message, severity = _mismatch(load, contents, refused=refused)
        if message:
            yield Hit(
                message,
                where=at(source, load.where),
                severity=severity,
                confidence=Confidence.MEDIUM if contents == "unknown" and not pinned else None,
                fix="build the model from code and give the file's state_dict to `load_state_dict`",
                key=f"{load.function} {load.loader}",
            )


def _mismatch(load: ModelLoad, contents: str, *, refused: bool) -> tuple[str, Severity]:
    """What does not fit, and how bad that is."""
    if contents == "state_dict" and "module" in load.uses and "mapping" not in load.uses:
        return f"{call(load)} returns a state_dict here, which is used as a model", Severity.ERROR
    if contents == "module" and "state_dict" in load.uses and "module" not in load.uses:
        return f"{call(load)} returns a whole model here, which is given to `load_state_dict`", Severity.ERROR
    if "module" not in load.uses or "state_dict" in load.uses or load.weights_only == "False":
        return "", Severity.INFO
    if load.weights_only == "True" or refused:
        why = "`weights_only=True`" if load.weights_only == "True" else "the default of torch 2.6 and later"
        return f"the result of {call(load)} is used as a model, and {why} refuses such a file", Severity.ERROR
    return f"the result of {call(load)} is used as a model: the file pickles classes and runs code", Severity.WARNING
