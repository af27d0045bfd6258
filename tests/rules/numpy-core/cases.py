from tests.rules.builders import STATE, bad, checkpoint, good, named, pickled

SCALAR = checkpoint(pickles=[pickled(named("numpy._core.multiarray.scalar", "called"))])
BUFFER = checkpoint("pickle", pickles=[pickled(named("numpy._core.numeric._frombuffer", "called"))])
OLD = checkpoint(pickles=[pickled(named("numpy.core.multiarray.scalar", "called"), named("numpy.dtype", "called"))])

CASES = [
    bad("no target", SCALAR, "NumPy 1.26.1 or newer", "No module named 'numpy._core'", severity="info"),
    bad("an old NumPy", SCALAR, "not with 1.24.4 (--numpy)", severity="error", numpy="1.24.4"),
    bad("1.26.0, before the forwarding package", SCALAR, severity="error", numpy="1.26.0"),
    bad("Python 3.8 has nothing newer", SCALAR, "does not exist for Python 3.8.18", severity="error", python="3.8.18"),
    bad(
        "a module that 1.26 does not forward",
        BUFFER,
        "NumPy 2.0",
        "'numpy._core.numeric'",
        severity="error",
        numpy="1.26.4",
    ),
    good("1.26.4 forwards it", SCALAR, numpy="1.26.4"),
    good("NumPy 2", BUFFER, numpy="2.0.0"),
    good("NumPy 1 wrote it", OLD, numpy="1.24.4"),
    good("a state_dict", STATE),
]
