from tests.rules.builders import STATE, bad, checkpoint, good, named, pickled
from tests.rules.pickles import instance_of


def needing(*names, kind="torch-zip"):
    return checkpoint(kind, pickles=[pickled(*(named(name, "instantiated", "built") for name in names))])


CASES = [
    bad(
        "one package",
        needing("ultralytics.nn.tasks.DetectionModel", "ultralytics.nn.modules.conv.Conv"),
        "loading imports 1 package besides torch: `ultralytics`",
        "`ultralytics` for `ultralytics.nn.tasks.DetectionModel` and `ultralytics.nn.modules.conv.Conv`",
        severity="warning",
    ),
    bad("the name to install differs", instance_of("sklearn.decomposition._pca", "PCA"), "`scikit-learn`"),
    bad(
        "a module that is gone",
        needing("sklearn.svm.classes.SVC"),
        "install `scikit-learn<0.24`",
        "`sklearn.svm.classes`: scikit-learn 0.22 moved these modules",
    ),
    bad("below a module that is gone", needing("ultralytics.yolo.utils.IterableSimpleNamespace"), "`ultralytics<8.1`"),
    bad("before transformers 4", needing("transformers.modeling_bert.BertModel"), "`transformers<4`"),
    bad(
        "several",
        needing(
            "pytorch_lightning.utilities.parsing.AttributeDict", "omegaconf.dictconfig.DictConfig", "timm.layers.Mlp"
        ),
        "3 packages",
        "`pytorch-lightning`, `omegaconf` and `timm`",
    ),
    bad("a distribution inside a namespace", needing("google.protobuf.message.Message"), "`protobuf`"),
    good("transformers as it is", needing("torch.nn.modules.linear.Linear", "builtins.set")),
    good("a project", needing("models.yolo.Model")),
    good("joblib reads what joblib wrote", needing("joblib.numpy_pickle.NumpyArrayWrapper", kind="joblib")),
    good("what rebuilds code is told elsewhere", needing("dill._dill._create_function")),
    good("a state_dict", STATE),
]
