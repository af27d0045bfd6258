from tests.rules.builders import STATE, bad, checkpoint, good, named, pickled
from tests.rules.pickles import model_of

CASES = [
    bad(
        "written by a script",
        model_of("__main__", "Net"),
        "loading needs `Net` in `__main__`",
        "AttributeError: Can't get attribute 'Net' on <module '__main__'",
        "data.pkl",
        severity="error",
    ),
    bad(
        "by a worker of multiprocessing",
        checkpoint(pickles=[pickled(named("__mp_main__.Net", "instantiated"), named("__main__.collate"))]),
        "`Net` and `collate`",
    ),
    bad("only named", checkpoint("pickle", pickles=[pickled(named("__main__.activation"))]), "`activation`"),
    good("what dill keeps of a function's module", checkpoint("pickle", pickles=[pickled(named("__main__.__dict__"))])),
    good("a module of the same beginning", checkpoint(pickles=[pickled(named("__main_nets__.Net", "instantiated"))])),
    good("a state_dict", STATE),
    good("a packaged model", checkpoint("torch-package", pickles=[pickled(named("__main__.Net"))])),
]
