from tests.rules.builders import STATE, bad, checkpoint, good, named, pickled, saved
from tests.rules.pickles import instance_of, model_of


def whole(*names):
    return checkpoint(pickles=[pickled(*(named(name, "instantiated", "built") for name in names))])


def with_enum():
    import datetime as dt
    import decimal
    import re

    return {
        "day": dt.date(2020, 1, 1),
        "step": decimal.Decimal("0.1"),
        "flags": re.IGNORECASE,
        "kind": dict[str, int],
    }


CASES = [
    bad(
        "a project's model",
        model_of("shop.nets"),
        "loading imports 1 module of the project that wrote the file: `shop.nets`",
        "`shop.nets`: `Net`",
        "ModuleNotFoundError: No module named 'shop'",
        severity="warning",
    ),
    bad(
        "a repository that people clone",
        whole("models.yolo.Model", "models.yolo.Detect", "models.common.Conv"),
        "2 modules",
        "`models.yolo`: `Model` and `Detect`",
        "from: the YOLOv5 or YOLOv7 repository",
    ),
    bad("many modules", whole(*(f"src.m{number}.Net" for number in range(12))), "12 modules", "and 4 more modules"),
    bad("a script called like a module of the standard library", instance_of("test", "Net"), "`test`"),
    bad("a folder called like one", whole("code.nets.Net"), "`code.nets`"),
    bad("a folder called like a package", whole("datasets.coco.Coco"), "`datasets.coco`"),
    good("a package", whole("timm.models.resnet.ResNet", "datasets.features.features.ClassLabel")),
    good("torch, NumPy and the standard library", saved(with_enum)),
    good("a state_dict", STATE),
    good("a local name, which is worse", checkpoint(pickles=[pickled(named("build.<locals>.Block", module="train"))])),
]
