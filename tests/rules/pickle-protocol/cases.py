from tests.rules.builders import STATE, bad, good, saved, state
from tests.rules.pickles import dumped

CASES = [
    bad(
        "protocol 4",
        saved(state, pickle_protocol=4),
        "pickle protocol 4",
        "`torch.load` fails unless `weights_only=False`",
        "save it again without `pickle_protocol=`",
        severity="warning",
    ),
    bad(
        "protocol 5, legacy format", saved(state, pickle_protocol=5, _use_new_zipfile_serialization=False), "protocol 5"
    ),
    bad("for an old Python", saved(state, pickle_protocol=5), "needs Python 3.8", severity="error", python="3.7.16"),
    bad("a plain pickle, too", dumped(dict, 5), "needs Python 3.8", "write it again with `protocol=2`", python="3.7"),
    bad("protocol 0", saved(state, pickle_protocol=0), "no torch reads it", "got str", severity="error"),
    good("protocol 2", STATE),
    good("protocol 3 without its opcodes", saved(state, pickle_protocol=3)),
    good("a plain pickle", dumped(dict, 4)),
    good("for a torch that does not restrict", saved(state, pickle_protocol=4), torch="2.5.1"),
]
