"""Write the generated parts of `tables/globals.json` and `tables/packages.json`.

Run it with the Python that has the torch release to learn from:

    python scripts/build_globals_table.py [--history torch_serialization.yaml] [--modules default_module_mapping.py]
        [--freeze pip-freeze.txt] [--python PYTHON]...

Nothing is downloaded. Every part is a union with what the table holds already: a name that some release allowed stays,
and a source that is not given changes nothing.

globals.json
  `builders`  the globals that torch's own restricted loader allows (`torch._weights_only_unpickler`,
              `_get_allowed_globals`), with those that `--history` (our measured table of 21 releases) says any release
              from 1.13.1 to 2.15.0 allowed. A checkpoint of plain tensors names nothing else.
  `classes`   the classes that the packages of `CLASS_ROOTS` define, found by importing torch here, with the nn and
              optimizer classes of `--history`. Unpickling them sets attributes and runs nothing of the file.
  The other sections are written by hand, in the file.

packages.json
  `stdlib`    the top-level modules of the standard library of every `--python` (3.8 and newer).
  `shadows`   for them, their classes and submodules: a project's own `test.py` or `code.py` is told apart by these.
  `same`, `renamed`  distributions that are installed where models are trained and served, and their import names:
              * `--freeze`: `pip-freeze.txt` of github.com/googlecolab/backend-info, the packages of the Colab image
                (Apache-2.0); distributions only, so an import name is taken to be the name of the distribution,
              * `--modules`: `default_module_mapping.py` of the Pants build system (Apache-2.0), import names that
                differ, kept by its maintainers,
              * the metadata of what is installed here (`importlib.metadata.packages_distributions`), which is exact,
              * `FRAMEWORKS` below: model frameworks that none of these list, by hand from their documentation.
              Where they disagree, the later one in this list wins.
  The other sections are written by hand, in the file.
"""

import argparse
import ast
import importlib
import importlib.metadata
import inspect
import json
import pkgutil
import re
import subprocess
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

TABLES = Path(__file__).parent.parent / "src" / "modeldoctor" / "tables"

CLASS_ROOTS = (
    "torch.amp",
    "torch.ao.nn",
    "torch.ao.quantization",
    "torch.autograd.grad_mode",
    "torch.cuda.amp",
    "torch.distributions",
    "torch.nn",
    "torch.optim",
    "torch.quantization",
    "torch.utils.data.dataset",
    "torch.utils.data.sampler",
    "torch.utils.hooks",
)
# Classes of fx that carry data; its graph modules execute source and stay out.
SINGLE_CLASSES = {
    "torch.fx._symbolic_trace": ["Tracer"],
    "torch.fx.immutable_collections": ["immutable_dict", "immutable_list"],
}

# Import name → distribution, where the name differs; alone, where it is the same.
FRAMEWORKS = """
addict albumentations=albumentations allennlp antlr4=antlr4-python3-runtime apex asteroid attrdict audiocraft
auto_gptq=auto-gptq autogluon awq=autoawq basicsr bertopic Bio=biopython bitsandbytes botorch box=python-box
braindecode captum catalyst catboost category_encoders=category-encoders chemprop clearml clip=clip colossalai
comet_ml=comet-ml composer=mosaicml configargparse=ConfigArgParse cuml cupy cv2=opencv-python Cython=cython darts
datasets.arrow_dataset=datasets datasets.dataset_dict=datasets datasets.features=datasets datasets.info=datasets
datasets.iterable_dataset=datasets datasets.splits=datasets datasets.table=datasets dateutil=python-dateutil deepchem
deepspeed demucs detectron2 dgl diffusers doctr=python-doctr dotenv=python-dotenv e3nn easyocr effdet
efficientnet_pytorch=efficientnet-pytorch encodec esm=fair-esm espnet espnet2=espnet evaluate
facenet_pytorch=facenet-pytorch fairscale fairseq fairseq2 faiss=faiss-cpu fasttext feature_engine=feature-engine
flair flash_attn=flash-attn flask fvcore gensim gfpgan git=gitpython gliner gluonts gpytorch
groundingdino=groundingdino-py hdbscan hmmlearn hqq hydra=hydra-core ignite=pytorch-ignite igraph
imblearn=imbalanced-learn imgaug implicit insightface iopath IPython=ipython jsonargparse kaolin keybert kornia lampe
lightfm lightgbm lightning lightning_fabric=lightning-fabric lightning_utilities=lightning-utilities mace=mace-torch
mamba_ssm=mamba-ssm medpy megatron.core=megatron-core ml_collections=ml-collections mlflow mmcls mmcv mmdet mmengine
mmocr mmpose mmpretrain mmseg=mmsegmentation mne monai munch nemo=nemo-toolkit neptune nerfstudio neuralforecast
nflows ngboost nnunetv2 normflows ogb onmt=OpenNMT-py onnx onnxruntime open_clip=open-clip-torch openvino optimum
optuna osgeo=gdal paddle=paddlepaddle peft pl_bolts=lightning-bolts poutyne pretrainedmodels pyannote=pyannote.audio
pyro=pyro-ppl pytorch3d pytorch_forecasting=pytorch-forecasting pytorch_lightning=pytorch-lightning
pytorch_metric_learning=pytorch-metric-learning pytorch_pretrained_bert=pytorch-pretrained-bert
pytorch_tabnet=pytorch-tabnet pytorch_transformers=pytorch-transformers pytorch_widedeep=pytorch-widedeep
quanto=optimum-quanto ray rdkit realesrgan recbole rfdetr sacrebleu sb3_contrib=sb3-contrib sbi schnetpack
segment_anything=segment-anything segmentation_models_pytorch=segmentation-models-pytorch
sentence_transformers=sentence-transformers setfit sklearn_crfsuite=sklearn-crfsuite skopt=scikit-optimize skorch skrl
spandrel speechbrain stable_baselines3=stable-baselines3 stanza super_gradients=super-gradients
surprise=scikit-surprise tabpfn taming=taming-transformers tensordict tensorrt tianshou timm torch2trt
torch_geometric=torch-geometric torch_scatter=torch-scatter torch_sparse=torch-sparse torch_xla=torch-xla torchani
torchao torchaudio torchdata torchio torchmetrics torchrl torchtext torchvision torchxrayvision tpot trl tsai
TTS=coqui-tts tvm=apache-tvm ultralytics umap=umap-learn unsloth vit_pytorch=vit-pytorch wandb webdataset
whisper=openai-whisper x_transformers=x-transformers xformers yacs yolov5 yolox zmq=pyzmq zuko
"""

# Distributions of an image that no pickle needs, and import names that projects use for folders of their own.
NOT_PACKAGES = re.compile(
    r"^(google$|google-|nvidia|sphinx|jupyter|types-|standard-|.*-stubs$|opentelemetry|langgraph|langchain-)"
)
PROJECT_NAMES = """
access affine app apps args callbacks common community config configs cons core data dataset datasets distro engine
experiments future grain helpers inequality layers lib losses main model models modules net nets network networks
notebook nn panel param pipeline regex scripts segregation slicer spot src tables test tests tools train trainer
training umf util utils
"""

LIST_STDLIB = """
import importlib, os, pkgutil, sys, warnings
warnings.simplefilter("ignore")
names = set(getattr(sys, "stdlib_module_names", ())) | set(sys.builtin_module_names)
library = os.path.dirname(os.__file__)
for folder in (library, os.path.join(library, "lib-dynload")):
    for entry in os.listdir(folder):
        name = entry.split(".")[0]
        package = os.path.exists(os.path.join(folder, entry, "__init__.py"))
        if name.isidentifier() and (package or entry.endswith((".py", ".so"))):
            names.add(name)
for name in sorted(names):
    members = set()
    known = name[0] != "_" and name not in ("antigravity", "this", "idlelib", "turtledemo")
    try:
        module = importlib.import_module(name) if known else None
    except BaseException:
        module = None
    if module:
        named = {key: value for key, value in vars(module).items() if key.lstrip("_")[:1].isupper()}
        members = {key for key, value in named.items() if not key.isupper() or isinstance(value, type)}
        members |= {entry.name for entry in pkgutil.iter_modules(getattr(module, "__path__", ()))}
    print(name, "known" if module else "unknown", *sorted(m for m in members if not m.startswith("test_")))
"""


def main() -> None:
    """Read the sources that are named and write both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--history", type=Path, help="measured facts of torch releases (YAML)")
    parser.add_argument("--modules", type=Path, help="default_module_mapping.py of Pants")
    parser.add_argument("--freeze", type=Path, help="a pip freeze listing")
    parser.add_argument("--python", action="append", default=[], help="an interpreter whose standard library is listed")
    options = parser.parse_args()
    write_globals(options.history)
    write_packages(options.modules, options.freeze, options.python)


def write_globals(history: Path | None) -> None:
    """Add what torch and its measured history allow."""
    path = TABLES / "globals.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    builders, classes = unpacked(table["builders"]), unpacked(table["classes"])
    add(builders, allowed_now())
    for module, names in defined_classes(CLASS_ROOTS).items():
        classes[module].update(names)
    for module, more in SINGLE_CLASSES.items():
        classes[module].update(more)
    if history is not None:
        import yaml

        facts = yaml.safe_load(history.read_text(encoding="utf-8"))
        add(builders, facts["weights_only"]["allowed_globals"])
        add(
            builders,
            [name for name in facts["dtypes"] if isinstance(facts["dtypes"], dict) and name.startswith("torch.")],
        )
        for section in ("nn_classes", "optim_classes"):
            add(classes, facts[section])
        # Classes that are gone were still written by older releases (`_LinearWithBias` of 1.7).
        written = [name for name in facts["globals_emitted"] if name.startswith(CLASS_ROOTS)]
        add(classes, [name for name in written if name.rpartition(".")[2].lstrip("_")[:1].isupper()])
    table["builders"], table["classes"] = packed(builders), packed(classes)
    write(path, table)


def allowed_now() -> list[str]:
    """The names that the restricted loader of the installed torch accepts."""
    from torch._weights_only_unpickler import _get_allowed_globals

    return list(_get_allowed_globals())


def defined_classes(roots: tuple[str, ...]) -> dict[str, set[str]]:
    """The classes that the modules below these packages define, by module; alias modules count as well."""
    found: dict[str, set[str]] = defaultdict(set)
    for root in roots:
        package = importlib.import_module(root)
        children = pkgutil.walk_packages(getattr(package, "__path__", []), root + ".", onerror=lambda _: None)
        for name in (root, *(child.name for child in children)):
            if "_experimental" in name or name == "torch.nn.cpp":
                continue
            try:
                module = importlib.import_module(name)
            except Exception as error:  # noqa: BLE001 - an optional part of torch that cannot be imported here
                print(f"left out {name}: {error}")
                continue
            found[name].update(own_classes(module, name))
    return found


def own_classes(module: Any, name: str) -> set[str]:
    """Names of the classes a module defines, or re-exports from the place its family moved to."""
    moved = ("torch.nn.quantized", "torch.nn.qat", "torch.nn.intrinsic", "torch.nn.quantizable", "torch.quantization")
    return {
        value.__qualname__
        for value in vars(module).values()
        if inspect.isclass(value)
        and (value.__module__ == name or (name.startswith(moved) and value.__module__.startswith("torch.ao.")))
    }


def write_packages(modules: Path | None, freeze: Path | None, pythons: list[str]) -> None:
    """Add the distributions and the standard libraries."""
    path = TABLES / "packages.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    known = {name: name.replace("_", "-") for name in table["same"].split()} | table["renamed"]
    if freeze is not None:
        known |= from_freeze(freeze)
    if modules is not None:
        renamed = from_pants(modules, set(known.values()))
        elsewhere = {normalized(name) for name in renamed.values()}
        known = {name: text for name, text in known.items() if normalized(text) not in elsewhere} | renamed
    known |= from_metadata(set(known))
    for entry in FRAMEWORKS.split():
        name, _, distribution = entry.partition("=")
        known[name] = distribution or name
    known = {name: normalized(text) for name, text in known.items() if name not in PROJECT_NAMES.split()}
    table["same"] = " ".join(sorted(name for name, text in known.items() if normalized(name) == text))
    table["renamed"] = dict(sorted((name, text) for name, text in known.items() if normalized(name) != text))
    stdlib, shadows = set(table["stdlib"].split()), {name: set(text.split()) for name, text in table["shadows"].items()}
    for python in pythons:
        listing = subprocess.run([python, "-c", LIST_STDLIB], capture_output=True, text=True, check=True).stdout
        for name, known_here, *members in map(str.split, listing.splitlines()):
            stdlib.add(name)
            if known_here == "known":
                shadows.setdefault(name, set()).update(members)
    table["stdlib"] = " ".join(sorted(stdlib))
    table["shadows"] = {name: " ".join(sorted(members)) for name, members in sorted(shadows.items())}
    write(path, table)


def from_freeze(path: Path) -> dict[str, str]:
    """Import names taken from the names of distributions."""
    lines = path.read_text(encoding="utf-8").splitlines()
    names = [re.split(r"[=@ ;\[]", line)[0] for line in lines if line and line[0] not in "#-"]
    return {name.replace("-", "_").lower(): name for name in names if not NOT_PACKAGES.match(normalized(name))}


def from_pants(path: Path, wanted: set[str]) -> dict[str, str]:
    """The mapping of Pants, for the distributions that are wanted and whose import name differs."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "DEFAULT_MODULE_MAPPING":
            mapping = ast.literal_eval(node.value)  # type: ignore[arg-type]
            distributions = {normalized(name) for name in wanted}
            found: dict[str, str] = {}
            for name, imports in mapping.items():
                for module in imports if normalized(name) in distributions else ():
                    found.setdefault(module, name)
            return found
    raise SystemExit(f"{path} holds no DEFAULT_MODULE_MAPPING")


def from_metadata(wanted: set[str]) -> dict[str, str]:
    """What the installed distributions say about their own import names."""
    installed = importlib.metadata.packages_distributions()
    return {name: found[0] for name, found in installed.items() if name in wanted and name.isidentifier()}


def normalized(name: str) -> str:
    """The name of a distribution as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def add(table: dict[str, set[str]], names: Any) -> None:
    """Put full names into a table by module."""
    for name in names:
        module, _, attribute = name.rpartition(".")
        table[module].add(attribute)


def unpacked(table: dict[str, str]) -> dict[str, set[str]]:
    """Sets that can grow."""
    return defaultdict(set, {module: set(names.split()) for module, names in table.items()})


def packed(table: dict[str, set[str]]) -> dict[str, str]:
    """One text of names for each module: half the size of a list, and read as fast."""
    return {module: " ".join(sorted(names)) for module, names in sorted(table.items()) if names}


def write(path: Path | str, table: dict[str, Any]) -> None:
    """JSON with one line for each entry."""
    sections = []
    for key, value in table.items():
        if isinstance(value, dict):
            entries = ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in value.items())
            sections.append(f" {json.dumps(key)}: {{\n{entries}\n }}")
        else:
            sections.append(f" {json.dumps(key)}: {json.dumps(value)}")
    Path(path).write_text("{\n" + ",\n".join(sections) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
