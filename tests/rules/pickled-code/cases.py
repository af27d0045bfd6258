from modeldoctor.facts.checkpoint import Evidence
from tests.rules.builders import STATE, bad, checkpoint, good, named, pickled, saved
from tests.rules.pickles import dumped

CLOUDPICKLE = pickled(
    named("cloudpickle.cloudpickle._make_function", "called"), named("cloudpickle.cloudpickle._builtin_type", "called")
)
BY_310 = (Evidence("python", "3.10", "3.10", "code objects with 16 arguments"),)


def traced():
    import torch

    return torch.fx.symbolic_trace(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU()))


CASES = [
    bad(
        "functions of cloudpickle",
        checkpoint("pickle", pickles=[CLOUDPICKLE]),
        "the file holds functions or classes as bytecode",
        "`cloudpickle` installed",
        "`cloudpickle.cloudpickle._make_function`",
        severity="warning",
    ),
    bad(
        "of dill",
        checkpoint("pickle", pickles=[pickled(named("dill._dill._create_function", "called"))]),
        "`dill` inst",
    ),
    bad(
        "for another Python",
        checkpoint("pickle", pickles=[CLOUDPICKLE], writer=BY_310),
        "Python 3.10; the target is 3.12 (--python)",
        severity="error",
        python="3.12",
    ),
    bad(
        "for the same Python",
        checkpoint("pickle", pickles=[CLOUDPICKLE], writer=BY_310),
        severity="warning",
        python="3.10.13",
    ),
    bad(
        "source of a graph module",
        saved(traced),
        "loading executes Python source that the file holds",
        "`torch.fx.graph_module.reduce_graph_module`",
        severity="warning",
    ),
    good("functions by name", dumped(lambda: {"sqrt": __import__("math").sqrt, "join": "".join})),
    good("a state_dict", STATE),
]
