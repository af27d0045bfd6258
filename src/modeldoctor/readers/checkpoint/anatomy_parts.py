"""What the entries of a checkpoint are: weights, a moving average of them, optimizer state, settings.

Structure decides before names: an optimizer's state is known by `state` and `param_groups` wherever it lies, a module
by its registries, a state_dict by its tensors and their names.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from modeldoctor.facts.checkpoint import Tensor
from modeldoctor.readers.checkpoint.pickle_values import (
    Array,
    Dict,
    Name,
    Object,
    StorageRef,
    TensorValue,
    items_of,
)
from modeldoctor.readers.checkpoint.pickle_walk import is_module, key_text

# Levels of containers in which weights are looked for (`{"models": {"a": {"state_dict": …}}}`), entries of each, and
# containers in all.
_MAX_LEVELS = 4
MAX_ENTRIES = 200
_MAX_CONTAINERS = 1_000
# Weights of equal rank whose sizes are compared.
_MAX_COMPARED = 10
# Entries among which the keys that tell an optimizer or scheduler are looked for: they have a dozen.
_FEW = 40

# Where trainers put the weights to serve, the most usual first.
WEIGHT_KEYS = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "module",
    "network",
    "net",
    "weights",
    "params",
    "generator",
)
_EMA = r"(?:^|[_.\-])(?:ema|swa|averaged?)(?:$|[_.\-])|^ema"
_SCALER = r"scaler|^amp$"
_RNG = r"rng|random_state"
_CONFIG = (
    r"^(?:args|opt|opts|options|cfg|config|conf|hparams|hyper_?param(?:eter)?s|settings|kwargs|flags|yaml|dims|arch)$"
    r"|(?:_args|_cfg|_config|_hparams|_kwargs|_options)$"
)
# The last part of names that modules give their tensors.
_LEAVES = frozenset({"weight", "bias", "running_mean", "running_var", "num_batches_tracked", "weight_g", "weight_v"})


class Weights(NamedTuple):
    """A module or state_dict inside a checkpoint."""

    path: tuple[str, ...]
    value: Any
    ema: bool

    @property
    def key(self) -> str:
        """The path with dots."""
        return ".".join(self.path)


def is_tensor(value: Any) -> bool:
    """Whether it is a tensor, those of torch before 0.4 included."""
    return type(value) is TensorValue or (type(value) is Object and type(value.value) is TensorValue)


def fields(value: Any, most: int = MAX_ENTRIES) -> list[tuple[Any, Any]]:
    """The first entries of a dict or list, the first attributes of an object."""
    items = items_of(value)
    if items is not None:
        return list(zip(items[: 2 * most : 2], items[1 : 2 * most : 2], strict=False))
    if type(value) is list or type(value) is tuple:
        return [(str(index), item) for index, item in enumerate(value[:most])]
    if type(value) is Object:
        return [pair for state in value.dicts() for pair in fields(state, most)][:most]
    return []


def is_optimizer(value: Any) -> bool:
    """Whether it is the state_dict of an optimizer, or one pickled whole."""
    keys = {key for key, _ in fields(value, _FEW) if type(key) is str}
    return "param_groups" in keys and "state" in keys


def is_state_dict(value: Any) -> bool:
    """Whether it is what a module's `state_dict()` gives.

    All keys are texts and at least half of the values are tensors (extra state and a few plain values may be among
    them), no value is a module or has tensors below, and the names are those of modules: the dict carries
    `_metadata`, or at least half of the names have a dot or end in `weight`, `bias`…
    """
    items = items_of(value)
    if items is None:
        return False
    keys, values = items[::2], items[1::2]
    if not keys:
        return _has_metadata(value)
    if set(map(type, keys)) != {str}:
        return False
    names = keys
    if set(map(type, values)) != {TensorValue}:
        if any(map(is_module, values)):
            return False
        names = [key for key, item in zip(keys, values, strict=False) if is_tensor(item)]
    if 2 * len(names) < len(keys):
        return False
    named = sum("." in name or name in _LEAVES for name in names)
    return _has_metadata(value) or (named > 0 and 2 * named >= len(names))


def _has_metadata(value: Any) -> bool:
    return type(value) is Object and value.state("_metadata") is not None


# --------------------------------------------------------------------------- weights


def find_weights(value: Any) -> list[Weights]:
    """The modules and state_dicts below a container, not looking into optimizers."""
    return list(_Search().below(value, ()))


class _Search:
    """A look for weights that ends, whatever it is shown: containers that share their items are judged once."""

    def __init__(self) -> None:
        self.left = _MAX_CONTAINERS
        self.judged: dict[int, bool] = {}

    def below(self, value: Any, path: tuple[str, ...]) -> Iterator[Weights]:
        """The weights among the entries of a container."""
        for key, item in fields(value) if len(path) <= _MAX_LEVELS else ():
            if type(item) not in {Dict, Object, list, tuple}:
                continue
            self.left -= 1
            if self.left < 0:
                return
            name = key_text(key)
            lower, here = name.lower(), (*path, name)
            ema = any(re.search(_EMA, part.lower()) for part in here)
            if self.is_weights(item) and (is_module(item) or "optim" not in lower):
                yield Weights(here, item, ema)
            elif not is_optimizer(item) and "optim" not in lower:
                found = list(self.below(item, here))
                if lower in WEIGHT_KEYS and _is_one_model(item, found):
                    found = [Weights(here, item, ema)]
                yield from found

    def is_weights(self, value: Any) -> bool:
        """Whether it is a module or a state_dict."""
        if id(value) not in self.judged:
            self.judged[id(value)] = is_module(value) or is_state_dict(value)
        return self.judged[id(value)]


def _is_one_model(value: Any, found: list[Weights]) -> bool:
    """Whether what lies under a usual key is served whole: pieces (`encoder`, `decoder`), or tensors of any name."""
    if found:
        return len(found) > 1 and not any(map(_is_known, found))
    return has_tensors(value)


def _is_known(found: Weights) -> bool:
    return found.path[-1].lower() in WEIGHT_KEYS or found.ema


def has_tensors(value: Any) -> bool:
    """Whether a tensor stands directly in the container."""
    return any(is_tensor(item) for _, item in fields(value))


def best(found: list[Weights], tensors: Sequence[Tensor]) -> Weights | None:
    """The weights to serve: no moving average when there is another, by usual name, else those of most elements."""

    def rank(each: Weights) -> tuple[bool, int, int]:
        name = each.path[-1].lower()
        usual = WEIGHT_KEYS.index(name) if name in WEIGHT_KEYS else len(WEIGHT_KEYS)
        return (each.ema, usual, len(each.path))

    first = min(map(rank, found), default=None)
    equal = [each for each in found if rank(each) == first][:_MAX_COMPARED]
    if len(equal) < 2:
        return equal[0] if equal else None
    return max(
        equal, key=lambda each: sum(tensor.numel for tensor in tensors if tensor.path.startswith(each.key + "."))
    )


# --------------------------------------------------------------------------- kinds of entries


def kind_of(name: str, value: Any, weights: list[Weights]) -> str:
    """What a top-level entry is; `weights` are those found in the whole."""
    lower = name.lower()
    own = [each for each in weights if each.path[0] == name]
    if own and not is_optimizer(value):
        return "ema" if all(each.ema for each in own) else "weights"
    if holds_optimizer(value) or "optim" in lower:
        return "optimizer"
    keys = {key for key, _ in fields(value, _FEW) if type(key) is str}
    if lower == "opt" and ("state" in keys or "hypers" in keys):  # fastai
        return "optimizer"
    if "sched" in lower or {"last_epoch", "base_lrs"} <= keys or {"last_epoch", "_step_count"} <= keys:
        return "scheduler"
    if re.search(_SCALER, lower) or {"scale", "growth_factor"} <= keys:
        return "scaler"
    if re.search(_RNG, lower):
        return "rng"
    if re.search(_CONFIG, lower):
        return "config"
    return "metadata" if is_plain(value) else "other"


def holds_optimizer(value: Any) -> bool:
    """Whether it is an optimizer's state, or a list or dict of such."""
    return is_optimizer(value) or any(is_optimizer(item) for _, item in fields(value, _FEW))


def is_plain(value: Any, levels: int = 3) -> bool:
    """Whether it holds nothing but texts, numbers and containers of them, as far as a look at its beginning says."""
    if type(value) in {TensorValue, StorageRef, Name}:
        return False
    if type(value) is Object and items_of(value) is None:
        return type(value.value) is Array or (type(value.cls) is Name and value.cls.quiet)
    return levels == 0 or all(is_plain(item, levels - 1) for _, item in fields(value, 20))
