"""Which library wrote a checkpoint, and by what that can be seen."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from modeldoctor.facts.checkpoint import Anatomy, Instance, Tensor
from modeldoctor.readers.checkpoint.anatomy_parts import fields
from modeldoctor.readers.checkpoint.pickle_values import items_of

# Libraries whose classes stand in a file only when they wrote it or own the model: module → name. `models.yolo` and
# `models.common` are the modules of the YOLOv5 repository, which is not installed but cloned.
_MODULES = {
    "ultralytics": "ultralytics",
    "models.yolo": "yolov5",
    "models.common": "yolov5",
    "fastai": "fastai",
    "transformers": "transformers",
    "sentence_transformers": "sentence-transformers",
    "diffusers": "diffusers",
    "peft": "peft",
    "timm": "timm",
    "mmengine": "mmengine",
    "mmcv": "mmcv",
    "mmdet": "mmdetection",
    "detectron2": "detectron2",
    "pytorch_lightning": "lightning",
    "lightning": "lightning",
    "segmentation_models_pytorch": "segmentation-models-pytorch",
    "torchvision": "torchvision",
    "torch_geometric": "torch-geometric",
    "flair": "flair",
    "stable_baselines3": "stable-baselines3",
    "speechbrain": "speechbrain",
    "nemo": "nemo",
}
# Sets of top-level keys, all of them needed, and who writes them.
_KEYS = (
    ({"pytorch-lightning_version"}, "lightning"),
    ({"state_dict", "hyper_parameters"}, "lightning"),
    ({"state_dict", "callbacks", "optimizer_states"}, "lightning"),
    ({"train_args", "ema"}, "ultralytics"),  # ultralytics/engine/trainer.py, save_model
    ({"model", "ema", "updates", "opt"}, "yolov5"),  # yolov5: train.py
    ({"model", "best_fitness", "ema", "updates"}, "yolov5"),
    ({"state_dict", "arch", "version", "metric"}, "timm"),  # timm/utils/checkpoint_saver.py
    ({"model", "__author__"}, "detectron2"),  # converted zoo models
    ({"model", "matching_heuristics"}, "detectron2"),
    ({"module", "ds_version"}, "deepspeed"),
    ({"module", "dp_world_size"}, "deepspeed"),
    ({"model", "checkpoint_version", "iteration"}, "megatron-lm"),
    ({"model", "cfg", "extra_state"}, "fairseq"),
    ({"model", "args", "optimizer_history"}, "fairseq"),
    ({"dims", "model_state_dict"}, "whisper"),
)
# Names of tensors that one library's models have.
_NAMES = (
    (r"^base_model\.model\..*\.lora_[AB]\.", "peft"),
    (r"^model\.diffusion_model\.", "latent diffusion"),
    (
        r"(?:^|\.)(?:encoder\.layer\.\d+\.attention\.self\.query|h\.\d+\.attn\.c_attn|layers\.\d+\.self_attn\.q_proj)\.",
        "transformers",
    ),
)
_MOST_NAMES = 200

Found = tuple[str | None, str | None]


def framework_of(value: Any, anatomy: Anatomy, tensors: Sequence[Tensor], instances: Iterable[Instance]) -> Found:
    """The library and the evidence, or (None, None)."""
    found: Found | None = None
    keys: dict[str, Any] = {}
    if anatomy.contents not in {"state_dict", "module", "tensor", "scripted"}:
        keys = {key: item for key, item in fields(value, _MOST_NAMES) if type(key) is str}
        found = _by_version(keys)
    found = found or _by_class(anatomy.root_class, instances)
    if found is None and anatomy.contents == "training":
        found = _by_keys(keys)
    return found or _by_names(anatomy, tensors)


def _by_version(keys: dict[str, Any]) -> Found | None:
    version = keys.get("pytorch-lightning_version")
    if type(version) is str:
        return "lightning", f"`pytorch-lightning_version` {version[:40]}"
    meta = items_of(keys.get("meta"))
    for key in ("mmengine_version", "mmcv_version"):
        version = meta.get(key) if meta is not None else None
        if type(version) is str:
            return key.partition("_")[0], f"`meta.{key}` {version[:40]}"
    return None


def _by_class(root_class: str | None, instances: Iterable[Instance]) -> Found | None:
    for name in (root_class or "", *map(str, instances)):
        first, _, rest = name.partition(".")
        library = _MODULES.get(first) or _MODULES.get(f"{first}.{rest.partition('.')[0]}")
        if library is not None:
            return library, f"class `{name[:120]}`"
    return None


def _by_keys(keys: dict[str, Any]) -> Found | None:
    if keys.keys() == {"model", "opt"}:  # fastai/learner.py, save_model
        return "fastai", "keys `model` and `opt`"
    for needed, library in _KEYS:
        if needed <= keys.keys():
            return library, f"{'keys' if len(needed) > 1 else 'key'} {', '.join(f'`{key}`' for key in sorted(needed))}"
    return None


def _by_names(anatomy: Anatomy, tensors: Sequence[Tensor]) -> Found:
    start = len(anatomy.weights_key) + 1 if anatomy.weights_key else 0
    names = "\n".join([tensor.path[start:] for tensor in tensors[:_MOST_NAMES]])
    for pattern, library in _NAMES:
        match = re.search(pattern, names, re.MULTILINE)
        if match:
            begin = names.rfind("\n", 0, match.start() + 1) + 1
            return library, f"tensors named like `{names[begin:].partition(chr(10))[0][:120]}`"
    return None, None
