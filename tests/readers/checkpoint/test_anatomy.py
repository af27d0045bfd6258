"""What a checkpoint is said to hold, over the layouts that people's trainers write."""

import io
import sys
import zipfile
from collections import OrderedDict, defaultdict
from types import ModuleType

import pytest
import torch
from torch import nn

from modeldoctor.facts.checkpoint import Storage, Tensor
from modeldoctor.readers.checkpoint.anatomy import describe, from_tensors
from modeldoctor.readers.checkpoint.pickle_machine import run
from modeldoctor.storage import Memory


def anatomy_of(value):
    return described(value).anatomy


def described(value):
    stream = io.BytesIO()
    torch.save(value, stream)
    done = run(Memory(zipfile.ZipFile(stream).read("archive/data.pkl")))
    assert done.pickle.stopped is None
    return describe(done.value, done.storages, instances=done.pickle.instances)


def net():
    return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))


def weights():
    return net().state_dict()


def plain_weights():
    return dict(weights())


def adam():
    model = net()
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    return optimizer


def prefixed(prefix, values=None):
    return {prefix + key: value for key, value in (values or plain_weights()).items()}


class Averages(OrderedDict):
    pass


@pytest.fixture
def module_class(monkeypatch):
    """A class of a library that is not installed here."""

    def make(module, name, *bases):
        parts = module.split(".")
        for end in range(1, len(parts) + 1):
            monkeypatch.setitem(sys.modules, ".".join(parts[:end]), ModuleType(".".join(parts[:end])))
        made = type(name, bases or (nn.Sequential,), {"__module__": module})
        setattr(sys.modules[module], name, made)
        return made

    return make


# --------------------------------------------------------------------------- contents

CONTENTS = {
    # name: (object, contents, weights_key)
    "state_dict": (weights, "state_dict", None),
    "plain dict of weights": (plain_weights, "state_dict", None),
    "state_dict of a bare layer": (lambda: dict(nn.Linear(2, 2).state_dict()), "state_dict", None),
    "state_dict without parameters": (lambda: nn.ReLU().state_dict(), "state_dict", None),
    "state_dict with plain values": (lambda: plain_weights() | {"epoch": 3, "name": "x"}, "state_dict", None),
    "subclass of OrderedDict": (lambda: Averages(plain_weights()), "state_dict", None),
    "defaultdict": (lambda: defaultdict(list, plain_weights()), "state_dict", None),
    "module": (net, "module", None),
    "DataParallel": (lambda: nn.DataParallel(net()), "module", None),
    "tensor": (lambda: torch.zeros(2), "tensor", None),
    "parameter": (lambda: nn.Parameter(torch.zeros(2)), "tensor", None),
    "list of tensors": (lambda: [torch.zeros(2), torch.zeros(3)], "tensors", None),
    "dict of tensors": (lambda: {"images": torch.zeros(2), "labels": torch.zeros(3)}, "tensors", None),
    "bare storages": (lambda: {"a": torch.zeros(2).untyped_storage()}, "tensors", None),
    "tensors among lists": (lambda: {"vectors": torch.zeros(2, 2), "words": ["a", "b"]}, "tensors", None),
    "hyperparameters": (lambda: {"lr": 0.1, "layers": [1, 2], "name": "x"}, "hyperparameters", None),
    "state_dict and epoch": (lambda: {"state_dict": weights(), "epoch": 3}, "training", "state_dict"),
    "weights and optimizer": (lambda: {"model": weights(), "optimizer": adam().state_dict()}, "training", "model"),
    "net": (lambda: {"net": weights(), "acc": 93.1}, "training", "net"),
    "module and EMA": (lambda: {"model": net(), "ema": net(), "epoch": 3}, "training", "model"),
    "only the EMA": (lambda: {"model": None, "ema": net(), "updates": 5}, "training", "ema"),
    "GAN": (lambda: {"discriminator": weights(), "generator": weights()}, "training", "generator"),
    "several models": (lambda: {"models": {"a": weights(), "b": weights()}}, "training", "models.a"),
    "list of state_dicts": (lambda: [weights(), weights()], "training", "0"),
    "tuple with optimizer": (lambda: (weights(), adam().state_dict()), "training", "0"),
    "DeepSpeed": (lambda: {"module": weights(), "optimizer": None, "ds_version": "0.9"}, "training", "module"),
    "params and params_ema": (lambda: {"params": plain_weights(), "params_ema": plain_weights()}, "training", "params"),
    "nested state_dict": (lambda: {"model": {"state_dict": weights(), "epoch": 1}}, "training", "model.state_dict"),
    "model in pieces": (lambda: {"model": {"encoder": weights(), "decoder": weights()}}, "training", "model"),
    "unusual names": (lambda: {"state_dict": {"w1": torch.zeros(2), "w2": torch.zeros(2)}}, "training", "state_dict"),
    "averaged": (lambda: {"averaged_model": weights(), "current": weights()}, "training", "current"),
    "optimizer only": (lambda: adam().state_dict(), "training", None),
    "whole optimizer": (lambda: {"optimizer": adam(), "step": torch.zeros(1)}, "training", None),
    "largest without a usual name": (
        lambda: {"small": nn.Linear(2, 2).state_dict(), "large": nn.Linear(9, 9).state_dict()}, "training", "large",
    ),
    "nothing": (dict, "unknown", None),
    "a number": (lambda: 7, "unknown", None),
    "objects": (lambda: {"when": torch.nn.functional.relu}, "unknown", None),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.filterwarnings("ignore")
def test_contents(name):
    make, contents, key = CONTENTS[name]
    anatomy = anatomy_of(make())
    assert (anatomy.contents, anatomy.weights_key) == (contents, key)
    assert (anatomy.reason is not None) == (contents == "unknown")


def test_root_class():
    assert anatomy_of(net()).root_class == "torch.nn.modules.container.Sequential"
    assert anatomy_of(weights()).root_class is None
    assert anatomy_of({"a": 1}).root_class is None
    assert anatomy_of(defaultdict(list, plain_weights())).root_class == "collections.defaultdict"


def test_a_traced_module_has_the_names_of_its_modules():
    traced = torch.fx.symbolic_trace(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
    found = described(traced)
    assert (found.anatomy.contents, found.anatomy.root_class) == ("module", "torch.fx.graph_module.GraphModule")
    assert [(tensor.path, tensor.kind) for tensor in found.tensors] == [
        ("0.weight", "parameter"),
        ("0.bias", "parameter"),
    ]


def test_epoch():
    assert anatomy_of({"state_dict": weights(), "epoch": 12}).epoch == 12
    assert anatomy_of({"state_dict": weights(), "epoch": "12"}).epoch is None
    assert anatomy_of({"state_dict": weights(), "epoch": True}).epoch is None


# --------------------------------------------------------------------------- parts


def kinds(value):
    return {part.name: part.kind for part in anatomy_of(value).parts}


def test_kinds_of_parts():
    optimizer = adam()
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)
    value = {
        "model": weights(),
        "model_ema": weights(),
        "optimizer": optimizer.state_dict(),
        "optimizers": [optimizer.state_dict()],
        "sgd": optimizer.state_dict(),
        "lr_scheduler": scheduler.state_dict(),
        "decay": scheduler.state_dict(),
        "scaler": {"scale": 65536.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 2000},
        "torch_rng_state": torch.get_rng_state(),
        "args": {"lr": 0.1},
        "epoch": 3,
        "history": [0.1, 0.2],
        "teacher": weights(),
    }
    assert kinds(value) == {
        "model": "weights",
        "model_ema": "ema",
        "optimizer": "optimizer",
        "optimizers": "optimizer",
        "sgd": "optimizer",
        "lr_scheduler": "scheduler",
        "decay": "scheduler",
        "scaler": "scaler",
        "torch_rng_state": "rng",
        "args": "config",
        "epoch": "metadata",
        "history": "metadata",
        "teacher": "weights",
    }


def test_an_optimizer_below_another_key():
    anatomy = anatomy_of({"model": weights(), "training": {"optimizer": adam().state_dict(), "step": 3}})
    assert {part.name: part.kind for part in anatomy.parts} == {"model": "weights", "training": "optimizer"}
    assert anatomy.optimizer_bytes == anatomy.storage_bytes - anatomy.weights_bytes


def test_fastai_optimizer():
    value = {"model": plain_weights(), "opt": {"state": [{"mom": torch.zeros(3)}], "hypers": [{"lr": 0.1}]}}
    anatomy = anatomy_of(value)
    assert (anatomy.framework, anatomy.optimizer_bytes) == ("fastai", 12)


def test_sizes_of_parts():
    model = net()
    shared = {"model": model.state_dict(), "ema": model.state_dict(), "other": torch.zeros(100)}
    parts = {part.name: (part.tensors, part.size_bytes) for part in anatomy_of(shared).parts}
    size = sum(value.numel() * value.element_size() for value in model.state_dict().values())
    assert parts == {"model": (7, size), "ema": (7, 0), "other": (1, 400)}


def test_parts_of_a_state_dict_are_its_first_names():
    value = {
        **prefixed("backbone.layer1."),
        **prefixed("backbone.layer2."),
        **prefixed("head."),
    }
    assert [part.name for part in anatomy_of(value).parts] == ["backbone", "head"]
    assert [part.name for part in anatomy_of(prefixed("net.", value)).parts] == ["net.backbone", "net.head"]


def test_many_parts_are_put_together():
    value = {f"layer{i}.weight": torch.zeros(2) for i in range(100)}
    assert [tuple(part)[:3] for part in anatomy_of(value).parts] == [("layer*", "weights", 100)]
    names = [f"{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(100)]
    parts = anatomy_of({f"{name}.weight": torch.zeros(i + 1) for i, name in enumerate(names)}).parts
    assert len(parts) == 24
    assert parts[-1].name == "77 others"
    assert sum(part.size_bytes for part in parts) == 4 * 5050


# --------------------------------------------------------------------------- sums


def test_parameters_and_buffers():
    by_name = anatomy_of(plain_weights())
    by_module = anatomy_of(net())
    assert (by_name.parameters, by_name.buffers) == (by_module.parameters, by_module.buffers) == (21, 7)


def test_bytes_by_dtype():
    value = {
        "a.weight": torch.zeros(10),
        "b.weight": torch.zeros(10, dtype=torch.float16),
        "c.ids": torch.zeros(2).long(),
    }
    anatomy = anatomy_of(value)
    assert anatomy.bytes_by_dtype == (("float32", 40), ("float16", 20), ("int64", 16))
    assert anatomy.tensors_by_dtype == (("float32", 1), ("float16", 1), ("int64", 1))
    assert anatomy.devices == (("cpu", 3),)


def test_views_of_one_storage():
    base = torch.zeros(100)
    anatomy = anatomy_of({"a.weight": base[:50], "b.weight": base[50:], "c.weight": base[:50], "d.weight": base})
    assert (anatomy.storage_bytes, anatomy.tensor_bytes) == (400, 400)
    assert anatomy.parameters == 50 + 50 + 100


def test_expanded_tensors_are_not_larger_than_their_storage():
    anatomy = anatomy_of({"a.weight": torch.zeros(1).expand(1000)})
    assert (anatomy.storage_bytes, anatomy.tensor_bytes) == (4, 4)


def test_parts_of_sparse_tensors_are_no_waste():
    anatomy = anatomy_of({"a.weight": torch.eye(3).to_sparse()})
    assert anatomy.tensor_bytes == anatomy.storage_bytes > 0


def test_optimizer_state_that_is_shared_with_weights_counts_as_weights():
    values = plain_weights()
    anatomy = anatomy_of({"model": values, "optimizer": {"state": {0: {"z": values["0.weight"]}}, "param_groups": []}})
    assert anatomy.optimizer_bytes == 0


def test_formats_of_tensors_only():
    storages = [Storage(str(i), "", "float32", 4, 16, "cpu") for i in range(2)]
    tensors = [Tensor(f"model.{i}.weight", "float32", (4,), (1,), i, 0, "cpu") for i in range(2)]
    anatomy = from_tensors(tensors, storages)
    assert (anatomy.contents, anatomy.parameters, anatomy.weights_bytes) == ("state_dict", 8, 32)
    assert [part.name for part in anatomy.parts] == ["model.0", "model.1"]
    assert anatomy.prefixes == (("model.", 2, 2),)
    assert from_tensors([], []).parameters == 0


# --------------------------------------------------------------------------- prefixes


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (prefixed("module."), [("module.", 7, 7)]),
        (prefixed("_orig_mod."), [("_orig_mod.", 7, 7)]),
        (prefixed("module._orig_mod."), [("module.", 7, 7), ("_orig_mod.", 7, 7)]),
        (prefixed("layers.0._fsdp_wrapped_module."), [("_fsdp_wrapped_module.", 7, 7)]),
        (prefixed("model."), [("model.", 7, 7)]),
        (prefixed("base_model.model."), []),
        (prefixed("module.") | {"head.weight": torch.zeros(1)}, [("module.", 7, 8)]),
        (prefixed("submodule."), []),
    ],
)
def test_prefixes(names, expected):
    assert [tuple(prefix) for prefix in anatomy_of(names).prefixes] == expected
    below = anatomy_of({"state_dict": names, "optimizer": None})
    assert [tuple(prefix) for prefix in below.prefixes] == expected


# --------------------------------------------------------------------------- frameworks

FRAMEWORKS = [
    (lambda: {"pytorch-lightning_version": "2.1.0", "state_dict": prefixed("model."), "loops": {}}, "lightning", "2.1.0"),
    (lambda: {"state_dict": weights(), "hyper_parameters": {"lr": 1}}, "lightning", "`hyper_parameters`"),
    (lambda: {"model": net(), "ema": None, "train_args": {"imgsz": 640}}, "ultralytics", "`train_args`"),
    (lambda: {"model": plain_weights(), "opt": None}, "fastai", "`opt`"),
    (lambda: {"meta": {"mmengine_version": "0.8.4"}, "state_dict": weights()}, "mmengine", "0.8.4"),
    (lambda: {"meta": {"mmcv_version": "1.7"}, "state_dict": weights()}, "mmcv", "1.7"),
    (lambda: {"model": plain_weights(), "__author__": "x", "matching_heuristics": True}, "detectron2", "__author__"),
    (lambda: {"arch": "a", "state_dict": weights(), "version": 2, "metric": 1.0, "epoch": 1}, "timm", "`arch`"),
    (lambda: {"dims": {"n_mels": 80}, "model_state_dict": weights()}, "whisper", "`dims`"),
    (lambda: {"base_model.model.x.lora_A.weight": torch.zeros(2)}, "peft", "lora_A"),
    (lambda: {"bert.encoder.layer.0.attention.self.query.weight": torch.zeros(2)}, "transformers", "query"),
    (lambda: {"model.layers.11.self_attn.q_proj.weight": torch.zeros(2)}, "transformers", "q_proj"),
    (weights, None, None),
    (lambda: {"state_dict": weights(), "epoch": 3}, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("make", "library", "evidence"), FRAMEWORKS)
def test_framework(make, library, evidence):
    anatomy = anatomy_of(make())
    assert anatomy.framework == library
    assert evidence is None or evidence in anatomy.framework_evidence


@pytest.mark.parametrize(
    ("module", "library"),
    [("ultralytics.nn.tasks", "ultralytics"), ("models.yolo", "yolov5"), ("transformers.models.bert", "transformers")],
)
def test_framework_by_class(module_class, module, library):
    made = module_class(module, "Thing")()
    anatomy = anatomy_of({"model": made, "epoch": 1})
    assert anatomy.framework == library
    assert f"`{module}.Thing`" in anatomy.framework_evidence


def test_a_learner_is_a_whole_object(module_class):
    learner = module_class("fastai.learner", "Learner", object)()
    learner.model, learner.opt = net(), adam()
    anatomy = anatomy_of(learner)
    assert (anatomy.contents, anatomy.weights_key) == ("module", "model")
    assert (anatomy.root_class, anatomy.framework) == ("fastai.learner.Learner", "fastai")
    assert anatomy.parameters == 21
    assert anatomy.optimizer_bytes > 0


def test_an_object_without_a_module(module_class):
    holder = module_class("shop.data", "Vectors", object)()
    holder.table = torch.zeros(3)
    anatomy = anatomy_of(holder)
    assert (anatomy.contents, anatomy.root_class) == ("unknown", "shop.data.Vectors")
    assert "shop.data.Vectors" in anatomy.reason
    assert anatomy.tensor_bytes == 12


# --------------------------------------------------------------------------- outline


def test_outline_shows_plain_data():
    value = {
        "state_dict": weights(),
        "epoch": 3,
        "args": {"lr": 0.1, "name": "x"},
        "best": torch.zeros(1),
        "log": [1] * 9,
    }
    outline = dict(described(value).outline)
    assert outline["epoch"] == "3"
    assert outline["args"] == (("lr", "0.1"), ("name", "'x'"))
    assert outline["state_dict"] == "dict of 7"
    assert outline["log"] == "list of 9"
    assert "best" not in outline


def test_outline_is_bounded():
    outline = described({f"k{i}": "v" * 10_000 for i in range(1000)}).outline
    assert len(outline) < 50
    assert all(len(str(text)) < 200 for _, text in outline)
    assert outline[-1] == ("…", "960 more")


def test_outline_of_weights_is_empty():
    assert described(weights()).outline == described(net()).outline == described(torch.zeros(1)).outline == ()
