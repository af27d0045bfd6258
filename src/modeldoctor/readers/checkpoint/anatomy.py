"""What an object is: a state_dict, a module, a training checkpoint; what it weighs, and what of it is worth serving.

The criteria, in this order: a tensor or storage → `tensor`; a TorchScript object → `scripted`; an object with the
registries of nn.Module → `module`; a dict that `anatomy_parts.is_state_dict` takes for one → `state_dict`; a container
with a module, a state_dict or an optimizer's state in it → `training`; an object with a module in it (a fastai Learner)
→ `module`; another dict or list with tensors → `tensors`; one of plain values → `hyperparameters`; else `unknown`.
"""

from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import add
from typing import Any, NamedTuple

from modeldoctor.facts.checkpoint import Anatomy, Instance, Part, Problem, Storage, Tensor
from modeldoctor.readers.checkpoint.anatomy_frameworks import framework_of
from modeldoctor.readers.checkpoint.anatomy_outline import outline_of
from modeldoctor.readers.checkpoint.anatomy_parts import (
    Weights,
    best,
    fields,
    find_weights,
    holds_optimizer,
    is_optimizer,
    is_plain,
    is_state_dict,
    is_tensor,
    kind_of,
)
from modeldoctor.readers.checkpoint.anatomy_sums import add_up, groups, largest, new_bytes, prefixes
from modeldoctor.readers.checkpoint.pickle_values import Dict, Name, Object, StorageRef, TensorValue, items_of
from modeldoctor.readers.checkpoint.pickle_walk import Table, Walk, is_module, key_text

# Entries at the root that are told one by one.
_MOST_ENTRIES = 200
# Classes that go by another name, or by none: an OrderedDict is a dict as good as any.
_CLASSES = {
    "collections.OrderedDict": None,
    "torch.fx.graph_module.reduce_graph_module": "torch.fx.graph_module.GraphModule",
}


class Described(NamedTuple):
    """The facts of one object. `problems` tells of limits."""

    anatomy: Anatomy
    tensors: tuple[Tensor, ...]
    outline: tuple[Any, ...]
    problems: tuple[Problem, ...] = ()


def describe(value: Any, storages: Sequence[Storage], *, instances: Iterable[Instance] = ()) -> Described:
    """What the inert `value` of a pickle is. `instances` are those of the pickle."""
    walk = Walk(value)
    tensors = _tensors(walk)
    problems = (Problem("limit", f"only the first {len(tensors):,} tensors are described"),) if walk.cut else ()
    found = _find(value, tensors)
    contents, reason = _contents(value, tensors or storages, found)
    parts, optimizers = _parts(value, tensors, storages, found)
    anatomy = Anatomy(contents, _class_of(value), found.key, parts, epoch=_epoch(value), reason=reason)
    weights = _served(anatomy, tensors)
    optimizer = [tensor for tensor in tensors if tensor.path.startswith(optimizers)] if optimizers else []
    library, evidence = framework_of(value, anatomy, weights, instances)
    start = len(found.key) + 1 if found.key else 0
    anatomy = anatomy._replace(
        **add_up(tensors, storages, weights, optimizer),
        prefixes=prefixes([tensor.path[start:] for tensor in weights]),
        framework=library,
        framework_evidence=evidence,
    )
    return Described(anatomy, tensors, outline_of(value), problems)


def from_tensors(tensors: Sequence[Tensor], storages: Sequence[Storage], contents: str = "state_dict") -> Anatomy:
    """The anatomy of a format that holds tensors and nothing else."""
    library, evidence = framework_of(None, Anatomy(contents), tensors, ())
    return Anatomy(
        contents,
        parts=groups(tensors, storages),
        **add_up(tensors, storages, tensors, ()),
        prefixes=prefixes([tensor.path for tensor in tensors]),
        framework=library,
        framework_evidence=evidence,
    )


def _tensors(walk: Walk) -> tuple[Tensor, ...]:
    """The tensors by their names. What a module registered is not told again for each attribute that refers to it."""
    found: list[Tensor] = []
    registered: set[int] = set()
    later: list[tuple[str, TensorValue]] = []
    new = tuple.__new__  # what Tensor() does, in a third of the time
    for path, value, kind in walk:
        if type(value) is Table:
            found.extend(map(new, repeat(Tensor), map(add, zip(value.paths(path), strict=True), value.values)))
            continue
        if type(value) is Object:
            value = value.value  # noqa: PLW2901 - a tensor of torch before 0.4
        if type(value) is not TensorValue:
            continue
        if kind == "attribute":
            later.append((path, value))
            continue
        if kind:
            registered.add(id(value))
        tensor = new(Tensor, (path, *value))
        found.append(tensor if not kind or value.kind == kind else tensor._replace(kind=kind))
    found.extend(new(Tensor, (path, *value)) for path, value in later if id(value) not in registered)
    return tuple(found)


# --------------------------------------------------------------------------- contents


class _Found(NamedTuple):
    """The weights below the root, and those of them to serve. `whole`: the root itself is a model or tensor."""

    whole: str | None
    weights: list[Weights]
    key: str | None


def _find(value: Any, tensors: Sequence[Tensor]) -> _Found:
    if is_tensor(value) or type(value) is StorageRef:
        return _Found("tensor", [], None)
    if type(value) is Object and (_class_of(value) or "").startswith("__torch__."):
        return _Found("scripted", [], None)
    if is_module(value):
        return _Found("module", [], None)
    if is_state_dict(value):
        return _Found("state_dict", [], None)
    weights = find_weights(value)
    chosen = best(weights, tensors)
    return _Found(None, weights, chosen.key if chosen else None)


def _contents(value: Any, held: Sequence[Tensor | Storage], found: _Found) -> tuple[str, str | None]:
    """The kind of the object by the criteria above, and why it is unknown. `held`: the tensors, or bare storages."""
    if found.whole:
        return found.whole, None
    container = items_of(value) is not None or type(value) in {list, tuple}
    if found.weights:
        return "training" if container else "module", None
    entries = fields(value, _MOST_ENTRIES) if container else []
    if entries and (holds_optimizer(value) or any(holds_optimizer(item) for _, item in entries)):
        return "training", None
    if container and held:
        return "tensors", None
    if entries and is_plain(value):
        return "hyperparameters", None
    return "unknown", _why_unknown(value, _class_of(value), len(held))


def _why_unknown(value: Any, root_class: str | None, tensors: int) -> str:
    if root_class:
        held = f"{tensors:,} tensors but no PyTorch module" if tensors else "no PyTorch module or tensor"
        return f"an instance of `{root_class[:200]}`, which holds {held}"
    kind = "dict" if items_of(value) is not None else type(value).__name__
    if type(value) in {Dict, Object, list, tuple}:
        return f"a {kind} of objects that hold no tensor" if fields(value) else f"an empty {kind}"
    if type(value) is Name:
        return f"the name `{str(value)[:200]}` and nothing else"
    return "nothing could be read" if value is None else f"a single `{kind}`"


def _class_of(value: Any) -> str | None:
    """The class of an object, if that is worth telling."""
    if type(value) is not Object or type(value.cls) is not Name:
        return None
    name = str(value.cls)
    return _CLASSES.get(name, name)


def _epoch(value: Any) -> int | None:
    epoch = next((item for key, item in fields(value, _MOST_ENTRIES) if type(key) is str and key == "epoch"), None)
    return epoch if type(epoch) is int and -1 <= epoch < 1 << 40 else None


# --------------------------------------------------------------------------- parts


def _served(anatomy: Anatomy, tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The tensors of the weights; all of them unless other things lie beside."""
    if anatomy.contents != "training" and anatomy.weights_key is None:
        return tensors
    if anatomy.weights_key is None:
        return ()
    below = anatomy.weights_key + "."
    return tuple([tensor for tensor in tensors if tensor.path.startswith(below)])


def _parts(
    value: Any, tensors: tuple[Tensor, ...], storages: Sequence[Storage], found: _Found
) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """The entries at the root, and the prefixes of the paths of optimizer tensors.

    A storage counts for the first entry that shows it.
    """
    entries = fields(value, _MOST_ENTRIES + 1)
    if found.whole or len(entries) > _MOST_ENTRIES:
        return groups(tensors, storages), ()
    root_is_optimizer = is_optimizer(value)
    parts: list[Part] = []
    optimizers: list[str] = []
    seen: set[int] = set()
    members = _by_entry([key_text(key) for key, _ in entries], tensors)
    for key, item in entries:
        name = key_text(key)
        own = members[name]
        kind = "optimizer" if root_is_optimizer else kind_of(name, item, found.weights)
        if kind == "optimizer" or holds_optimizer(item):
            optimizers.append(name + ".")
        parts.append(Part(name, kind, len(own), new_bytes(own, storages, seen)))
    return largest(parts), tuple(optimizers)


def _by_entry(names: list[str], tensors: Sequence[Tensor]) -> dict[str, list[Tensor]]:
    """The tensors below each of the entries."""
    members: dict[str, list[Tensor]] = {name: [] for name in names}
    dotted = [name for name in names if "." in name]
    for tensor in tensors:
        path = tensor.path
        head = path.partition(".")[0]
        if head not in members:
            head = next((name for name in dotted if path == name or path.startswith(name + ".")), head)
        members.setdefault(head, []).append(tensor)
    return members
