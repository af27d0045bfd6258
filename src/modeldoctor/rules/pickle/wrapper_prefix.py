"""MDR222: keys that carry the prefix of a wrapper."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint, Prefix
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.pickle._weights import load_code, weights
from modeldoctor.wording import quoted

# Prefix → who puts it there.
_WRAPPERS = {
    "module.": "DataParallel or DistributedDataParallel",
    "_orig_mod.": "torch.compile",
    "_fsdp_wrapped_module.": "FullyShardedDataParallel",
    "_forward_module.": "Lightning Fabric",
}

# Contents whose keys are given to load_state_dict; a pickled module brings its names along.
_NAMED = frozenset({"state_dict", "training", "tensors"})


@rule(
    Checkpoint,
    code="MDR222",
    slug="wrapper-prefix",
    severity=Severity.WARNING,
    since="0.1",
    summary="the keys of the state_dict carry the prefix of a wrapper",
)
def wrapper_prefix(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The state_dict was taken from a wrapped model, so that its keys do not fit the plain one.

    ## What it finds
    * `module.`: `nn.DataParallel`, `DistributedDataParallel`
    * `_orig_mod.`: `torch.compile(model)`
    * `_fsdp_wrapped_module.`: FSDP without `full_state_dict`
    * `_forward_module.`: Lightning Fabric
    * `model.`: a LightningModule with the network in `self.model` (an info)

    How many keys carry it is counted: a mixture usually means that two files were merged. Whole pickled modules, and
    the `model.` and `base_model.model.` that Transformers and PEFT want, are left alone.

    ## Why it matters
    `load_state_dict` compares names. With a prefix not a single one fits: the strict call fails, and the call with
    `strict=False`, which is the first advice that a search gives, succeeds and leaves every weight at its random start.
    The service then answers with noise.

    ## Seen as
    * `RuntimeError: Error(s) in loading state_dict for Net: Missing key(s) in state_dict: "conv1.weight", … Unexpected
      key(s) in state_dict: "module.conv1.weight", …`
    * Nothing at all with `strict=False`, and predictions at chance level

    ## Fix
    Strip it when loading:

    ```python
    state = torch.load("model.pt", map_location="cpu")
    state = {key.removeprefix("module."): value for key, value in state.items()}
    model.load_state_dict(state)
    ```

    Better, save without it: `torch.save(model.module.state_dict(), path)` for DDP, `model._orig_mod.state_dict()` for a
    compiled model, `torch.distributed.checkpoint.state_dict.get_model_state_dict(model,
    options=StateDictOptions(full_state_dict=True))` for FSDP.

    ## References
    * `torch/nn/modules/utils.py`, `consume_prefix_in_state_dict_if_present`
    * `torch/_dynamo/eval_frame.py`, `OptimizedModule`
    """
    if context.part or checkpoint.state != "understood" or checkpoint.anatomy.contents not in _NAMED:
        return
    prefixes = {prefix.prefix: prefix for prefix in checkpoint.anatomy.prefixes}
    wrappers = [prefixes[name] for name in _WRAPPERS if name in prefixes]
    if wrappers:
        yield _wrapped(checkpoint, wrappers)
    elif checkpoint.anatomy.framework == "lightning" and "model." in prefixes:
        yield _lightning(checkpoint, prefixes["model."])


def _wrapped(checkpoint: Checkpoint, wrappers: list[Prefix]) -> Hit:
    most = max(wrappers, key=lambda wrapper: wrapper.keys)
    every = most.keys == most.of
    sources = ", ".join(f"{quoted(wrapper.prefix)} ({_WRAPPERS[wrapper.prefix]})" for wrapper in wrappers)
    how_many = f"all {most.of:,} keys" if every else f"{most.keys:,} of {most.of:,} keys"
    mixed = () if every else (("note", "the other keys have none: two state_dicts may have been merged"),)
    return Hit(
        f"{how_many} carry the prefix of a wrapper: {sources}",
        fix=f"strip it: `{_strip([wrapper.prefix for wrapper in wrappers], load_code(checkpoint))}`",
        notes=(
            *mixed,
            ("seen as", f"RuntimeError: Error(s) in loading state_dict … Missing key(s): {_example(checkpoint, most)}"),
            ("why", "with strict=False nothing fits either, and the model keeps its random weights"),
        ),
        key=most.prefix,
    )


def _strip(prefixes: list[str], state: str) -> str:
    """Code that takes the prefixes off; wrappers nest, and some stand in the middle of a key."""
    edits = "".join(
        f'.removeprefix("{prefix}")' if prefix == "module." else f'.replace("{prefix}", "")' for prefix in prefixes
    )
    return f"state = {{key{edits}: value for key, value in {state}.items()}}"


def _example(checkpoint: Checkpoint, prefix: Prefix) -> str:
    key = f"{checkpoint.anatomy.weights_key}." if checkpoint.anatomy.weights_key else ""
    for tensor in weights(checkpoint):
        name = tensor.path.removeprefix(key)
        if prefix.prefix in name:
            return f"{quoted(name.replace(prefix.prefix, '', 1))}, Unexpected key(s): {quoted(name)}"
    return f"…, Unexpected key(s): `{prefix.prefix}…`"


def _lightning(checkpoint: Checkpoint, prefix: Prefix) -> Hit:
    return Hit(
        f"{prefix.keys:,} of {prefix.of:,} keys start with `model.`, the attribute of the LightningModule: "
        "they fit that class and not the network inside",
        severity=Severity.INFO,
        fix=f"strip it for the bare network: `{_strip_start('model.', load_code(checkpoint))}`",
        key="model.",
    )


def _strip_start(prefix: str, state: str) -> str:
    return f'state = {{key.removeprefix("{prefix}"): value for key, value in {state}.items()}}'
