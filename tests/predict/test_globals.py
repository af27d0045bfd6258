"""What a global is: every answer that the rules rest on."""

import time

import pytest

from modeldoctor.predict.globals import canonical, judge, looks_like_function, moved, origin
from modeldoctor.tables import table

DANGEROUS = """
os.system posix.system nt.popen subprocess.Popen pty.spawn importlib.import_module runpy.run_path pip.main
builtins.eval builtins.exec builtins.compile builtins.open builtins.__import__ __builtin__.execfile
socket.create_connection ctypes.CDLL webbrowser.open pkgutil.resolve_name pydoc.locate pydoc.pipepager
timeit.timeit cProfile.run profile.run doctest.debug_script bdb.Bdb.run trace.Trace.run code.InteractiveInterpreter
idlelib.run.Executive.runcode lib2to3.pgen2.grammar.Grammar.loads logging.FileHandler _io.FileIO shutil.rmtree
pickle.loads _pickle.loads marshal.loads asyncio.create_subprocess_shell multiprocessing.Process threading.Thread
uuid._get_command_stdout imaplib.IMAP4_stream _pyrepl.pager.pipe_pager test.support.script_helper.assert_python_ok
torch.utils.collect_env.run torch.jit.unsupported_tensor_ops.execWrapper torch._dynamo.guards.GuardBuilder.get
torch.fx.experimental.symbolic_shapes.ShapeEnv.evaluate_guards_expression torch.hub.load torch.load
torch._inductor.codecache.compile_file torch.utils._config_module.ConfigModule.load_config torch.serialization.os
numpy.f2py.crackfortran.getlincoef numpy.testing._private.utils.runstring numpy.load
requests.api.get joblib.load pandas.read_pickle dill._dill._eval_repr cloudpickle.loads
collections.abc.sys shop.nets.os.system shop.nets.Net.__globals__
"""

HARMLESS = """
torch._utils._rebuild_tensor_v2 torch.FloatStorage torch.device torch.Size torch.float8_e4m3fn torch.Generator
torch.nn.modules.linear.Linear torch.nn.modules.linear._LinearWithBias torch.optim.sgd.SGD
torch.ao.nn.quantized.modules.linear.LinearPackedParams torch.nn.quantized.modules.linear.LinearPackedParams
torch.distributions.normal.Normal torch.serialization._get_layout torch._C._VariableFunctionsClass
collections.OrderedDict collections.defaultdict copy_reg.__newobj__ __builtin__.xrange builtins.set
datetime.datetime decimal.Decimal uuid.UUID pathlib.PosixPath pathlib._local.PosixPath argparse.Namespace
types.SimpleNamespace functools.partial logging.getLogger re._compile exceptions.ValueError operator.itemgetter
numpy.core.multiarray._reconstruct numpy._core.multiarray.scalar numpy.dtype numpy.random._pickle.__bit_generator_ctor
numpy.random.bit_generator.__pyx_unpickle_SeedSequence pandas._libs.internals._unpickle_block
"""


def split(full: str) -> tuple[str, str]:
    """Module and name of a full one; names with two parts are told by their capital."""
    module, _, name = full.rpartition(".")
    head, _, last = module.rpartition(".")
    if head and (last[:1].isupper() or last == "os"):
        return head, f"{last}.{name}"
    return module, name


@pytest.mark.parametrize("full", DANGEROUS.split())
def test_dangerous(full: str) -> None:
    assert judge(*split(full), "called").kind == "dangerous"


@pytest.mark.parametrize("full", HARMLESS.split())
def test_harmless(full: str) -> None:
    assert judge(*split(full), "called").kind in {"harmless", "caller"}


@pytest.mark.parametrize(
    ("full", "use", "kind"),
    [
        ("builtins.getattr", "called", "resolver"),
        ("torch._tensor._rebuild_from_type_v2", "called", "caller"),
        ("builtins.map", "called", "caller"),
        ("cloudpickle.cloudpickle._make_function", "called", "code"),
        ("torch.fx.graph_module.reduce_graph_module", "called", "code"),
        ("torch_utils.persistence._reconstruct_persistent_obj", "called", "code"),
        ("__main__.__dict__", "named", "code"),
        ("math.sqrt", "named", "named"),
        ("math.sqrt", "called", "dangerous"),
        ("os.system", "named", "dangerous"),
        ("torch.nn.functional.relu", "named", "named"),
        ("textwrap.TextWrapper", "called", "unclear"),
        ("torch._dynamo.eval_frame.OptimizedModule", "called", "unclear"),
        ("timm.models.resnet.ResNet", "instantiated", "class"),
        ("timm.models.create_model", "called", "unclear"),
        ("sklearn.tree._tree.__pyx_unpickle_Tree", "called", "class"),
        ("shop.nets.Net", "called", "class"),
        ("shop.nets.rebuild", "called", "unclear"),
        ("shop.nets.net", "instantiated", "class"),
        ("test.Net", "instantiated", "class"),
        ("code.nets.Net", "instantiated", "class"),
        ("torch._utils\r._rebuild_tensor", "called", "unclear"),
    ],
)
def test_kinds(full: str, use: str, kind: str) -> None:
    module, _, name = full.rpartition(".")
    assert judge(module, name, use).kind == kind


def test_everything_the_restricted_loader_of_torch_allows_is_harmless() -> None:
    from torch._weights_only_unpickler import _get_allowed_globals

    names = [full.rpartition(".") for full in _get_allowed_globals()]
    assert {judge(module, name, "called").kind for module, _, name in names} == {"harmless", "caller"}


def test_the_modules_of_torch_nn_are_harmless() -> None:
    import torch

    classes = [cls for cls in vars(torch.nn).values() if isinstance(cls, type) and issubclass(cls, torch.nn.Module)]
    assert len(classes) > 100
    assert {judge(cls.__module__, cls.__qualname__, "instantiated").kind for cls in classes} == {"harmless"}


@pytest.mark.parametrize(
    ("module", "name", "owner", "distribution"),
    [
        ("__main__", "Net", "main", None),
        ("__mp_main__", "Net", "main", None),
        ("torch.nn.modules.linear", "Linear", "torch", "torch"),
        ("functorch.dim", "Dim", "torch", "torch"),
        ("numpy.core.multiarray", "scalar", "numpy", "numpy"),
        ("collections", "OrderedDict", "stdlib", None),
        ("__builtin__", "set", "stdlib", None),
        ("UserDict", "IterableUserDict", "stdlib", None),
        ("builtins", "Ellipsis", "stdlib", None),
        ("typing", "List", "stdlib", None),
        ("_codecs", "encode", "stdlib", None),
        ("distutils.file_util", "write_file", "stdlib", None),
        ("sklearn.svm._classes", "SVC", "package", "scikit-learn"),
        ("pytorch_lightning.callbacks", "X", "package", "pytorch-lightning"),
        ("PIL.Image", "Image", "package", "pillow"),
        ("google.protobuf.message", "Message", "package", "protobuf"),
        ("datasets.features.features", "ClassLabel", "package", "datasets"),
        ("datasets.coco", "Coco", "project", None),
        ("models.yolo", "Model", "project", None),
        ("utils", "Config", "project", None),
        ("test", "Net", "project", None),
        ("test.support", "captured_output", "stdlib", None),
        ("parser.tree", "Node", "project", None),
    ],
)
def test_origin(module: str, name: str, owner: str, distribution: str | None) -> None:
    found = origin(module, name)
    assert (found.owner, found.distribution) == (owner, distribution)


def test_known_repositories_are_named() -> None:
    assert "YOLOv5" in (origin("models.yolo", "Model").note or "")
    assert origin("models.nets", "Net").note is None


@pytest.mark.parametrize(
    ("module", "requirement"),
    [
        ("sklearn.ensemble.forest", "scikit-learn<0.24"),
        ("sklearn.externals.joblib.numpy_pickle", "scikit-learn<0.23"),
        ("transformers.modeling_bert", "transformers<4"),
        ("ultralytics.yolo.utils", "ultralytics<8.1"),
    ],
)
def test_moved(module: str, requirement: str) -> None:
    found = moved(module)
    assert found is not None
    assert found.requirement == requirement


@pytest.mark.parametrize(
    "module", ["sklearn.ensemble._forest", "transformers.modeling_utils", "ultralytics.nn.tasks", "a"]
)
def test_not_moved(module: str) -> None:
    assert moved(module) is None


def test_python_2_names() -> None:
    assert canonical("__builtin__", "xrange") == ("builtins", "range")
    assert canonical("copy_reg", "_reconstructor") == ("copyreg", "_reconstructor")
    assert canonical("shop", "Net") == ("shop", "Net")


@pytest.mark.parametrize(
    ("name", "function"), [("Net", False), ("_Net", False), ("Net.make", True), ("make", True), ("", True)]
)
def test_looks_like_function(name: str, function: bool) -> None:
    assert looks_like_function(name) is function


def test_no_name_is_both_harmless_and_dangerous() -> None:
    data = table("globals")
    harmless = {name for names in data["harmless"].values() for name in names}
    for section in ("names", "callers", "resolvers"):
        assert harmless.isdisjoint(data[section])
    assert set(data["names"]).isdisjoint(data["callers"])


def test_hostile_names_are_judged_in_no_time() -> None:
    started = time.perf_counter()
    for number in range(2000):
        module = f"a{number}." + "b." * 400 + "c"
        judge(module, "d." * 400, "called")
        origin(module, "e")
        moved(module)
    assert time.perf_counter() - started < 2
