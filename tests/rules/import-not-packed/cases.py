from tests.rules.archives import ECHO, handled, mar, sample
from tests.rules.builders import bad, good

CASES = [
    bad("relative", handled(b"from .model import Net\n" + ECHO), "relatively", "no known parent package"),
    bad("the project's", handled(b"from src.model import Net\n" + ECHO), "`src.model`"),
    bad("a submodule", sample("handler_absent_submodule.mar"), "`nets.blocks`"),
    bad("near", mar({"handler.py": b"import my_nets\n" + ECHO, "mynets.py": b""}), "did you mean `mynets`?"),
    good("packed", sample("good_package.mar")),
    good("guarded", sample("good_guarded_import.mar")),
    good("for types", sample("good_type_checking.mar")),
    good(
        "relative in a package",
        mar(
            {
                "handler.py": b"from nets import Net\n" + ECHO,
                "nets/__init__.py": b"from .net import Net\n",
                "nets/net.py": b"class Net: ...\n",
            }
        ),
    ),
]
