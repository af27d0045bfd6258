from modeldoctor.facts.checkpoint import Instance
from tests.rules.builders import STATE, bad, checkpoint, good, named, pickled, saved
from tests.rules.pickles import model_of

MODULE = frozenset({"_parameters", "_buffers", "_modules", "training"})


def whole(path="", module="shop.nets", name="Net"):
    return pickled(
        named(f"{module}.{name}", "instantiated", "built", position=9),
        instances=(
            Instance("torch.nn.modules.linear", "Linear", MODULE, 3, f"{path}.fc".strip(".")),
            Instance(module, name, MODULE, 1, path),
        ),
    )


def sequential():
    import torch

    return torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())


def traced():
    import torch

    return torch.fx.symbolic_trace(sequential())


CASES = [
    bad(
        "a model of the project",
        model_of("shop.nets"),
        "the file pickles a whole `shop.nets.Net` object instead of its state_dict",
        "importable when it is loaded: `shop.nets`",
        "save `model.state_dict()`",
        severity="warning",
    ),
    bad("torch's own classes", saved(sequential), "`torch.nn.modules.container.Sequential`"),
    bad("legacy format", saved(sequential, _use_new_zipfile_serialization=False), "container.Sequential"),
    bad(
        "inside a training checkpoint",
        model_of("models.yolo", "Model", wrap=lambda model: {"epoch": 3, "model": model}),
        "`model` in the file is a whole `models.yolo.Model` object instead of a state_dict",
        "save `model.state_dict()`",
    ),
    bad("the outermost module, not its layers", checkpoint(pickles=[whole()]), "`shop.nets.Net`", "data.pkl", "9"),
    bad("a path that is no name", checkpoint(pickles=[whole("0.model")]), "`0.model`", "of the model and build it"),
    bad(
        "a graph module",
        saved(traced),
        "a whole `torch.fx.graph_module.GraphModule` object instead of its state_dict",
    ),
    bad(
        "a function that rebuilds it",
        checkpoint(pickles=[pickled()], anatomy={"contents": "module", "root_class": "shop.nets.build_net"}),
        "a whole model, which `shop.nets.build_net` rebuilds, instead of its state_dict",
    ),
    bad(
        "a learner around it",
        checkpoint(pickles=[whole("model")], anatomy={"contents": "module", "root_class": "fastai.learner.Learner"}),
        "a whole `fastai.learner.Learner` object",
    ),
    bad(
        "what the anatomy says, where the class is computed",
        checkpoint(pickles=[pickled()], anatomy={"contents": "module", "root_class": "Net"}),
        "`Net`",
    ),
    good("a state_dict", STATE),
    good(
        "a loss beside the weights",
        checkpoint(
            pickles=[
                whole("loss", "torch.nn.modules.loss", "MSELoss")._replace(
                    instances=(Instance("torch.nn.modules.loss", "MSELoss", MODULE, 1, "loss"),)
                )
            ]
        ),
    ),
    good("a scripted model", checkpoint("torchscript", pickles=[whole(module="__torch__")])),
]
