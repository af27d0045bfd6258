import pickle

from tests.rules.builders import LEGACY, STATE, bad, checkpoint, good, named, pickled, problem, raw, repacked

AGAIN = problem("second-pickle", "another pickle of 30 bytes follows", member="archive/data.pkl", byte=100)

CASES = [
    bad("by hand", checkpoint(problems=[AGAIN]), "another pickle follows the one that torch reads", severity="warning"),
    bad(
        "what it names",
        checkpoint(problems=[AGAIN], pickles=[pickled(), pickled(named("os.system"), role="second")]),
        "it names `os.system`",
    ),
    bad("in data.pkl", repacked(STATE, change={"data.pkl": lambda data: data + pickle.dumps("x", 2)}), "data.pkl"),
    bad("dumped twice", raw(pickle.dumps([1], 2) + pickle.dumps([2], 2), "model.pkl"), "another pickle"),
    good("a state_dict", STATE),
    good("a legacy file is five pickles", LEGACY),
    good("one pickle", raw(pickle.dumps([1], 2), "model.pkl")),
    good("pickled bytes as a value", raw(pickle.dumps({"blob": pickle.dumps([1])}, 2), "model.pkl")),
]
