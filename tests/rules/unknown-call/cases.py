from modeldoctor.rules.base import Context
from tests.rules.builders import STATE, bad, checkpoint, good, named, pickled
from tests.rules.pickles import called, model_of, stream, text

CASES = [
    bad(
        "a function of the project",
        stream(called("shop.nets.rebuild", text("a"))),
        "loading calls 1 thing not known to be harmless: `shop.nets.rebuild`",
        "calls: `shop.nets.rebuild('a')`",
        "`trusted-globals`",
        severity="warning",
    ),
    bad("of a package", stream(called("timm.models.create_model", text("resnet18"))), "`timm.models.create_model`"),
    bad("a class of the standard library", stream(called("textwrap.TextWrapper")), "`textwrap.TextWrapper`"),
    bad(
        "a compiled module", stream(called("torch._dynamo.eval_frame.OptimizedModule", b"N")), "compiles and runs code"
    ),
    bad(
        "a method of a class",
        stream(called("__builtin__.getattr", b"cshop\nNet\n", text("make")), b")R"),
        "`shop.Net.make`",
    ),
    bad(
        "an attribute with a computed name", stream(called("__builtin__.getattr", b"cshop\nNet\n", b"N")), "is computed"
    ),
    bad("bytes that cannot be read", stream(called("torch.storage._load_from_bytes", text("x"))), "could not be read"),
    bad("an extension code", stream(b"\x82\x07(", text("id"), "tR"), "has registered under that number"),
    bad("many", stream(*(called(f"shop.make{number}") + b"0" for number in range(12)), "N"), "12 things", "and 4 more"),
    good("classes are told elsewhere", stream(called("shop.nets.Mode", b"K\1"))),
    good("Cython's own reconstructors of a package", stream(called("sklearn.tree._x.__pyx_unpickle_Tree", b"N"))),
    good("what is dangerous is told elsewhere", stream(called("os.system", text("id")))),
    good("a whole model", model_of("shop.nets")),
    good("trusted", stream(called("shop.nets.rebuild")), context=Context(trusted_globals=("shop.*",))),
    good("another loader", checkpoint("torch-package", pickles=[pickled(named("shop.make", "called"))])),
    good("a state_dict", STATE),
]
