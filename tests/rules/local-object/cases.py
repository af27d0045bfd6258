from tests.rules.builders import STATE, bad, checkpoint, good, named, pickled
from tests.rules.pickles import stream, text

CASES = [
    bad(
        "a class defined in a function",
        stream(text("train"), text("build.<locals>.Block"), b"\x93", name="model.pkl", protocol=4),
        "the pickle names `train.build.<locals>.Block`",
        "AttributeError: Can't get attribute 'build.<locals>.Block'",
        severity="error",
    ),
    bad("a lambda", checkpoint(pickles=[pickled(named("<lambda>", module="train"))]), "`train.<lambda>`"),
    good("a nested class, which can be found", checkpoint(pickles=[pickled(named("Net.Block", module="train"))])),
    good("a state_dict", STATE),
]
