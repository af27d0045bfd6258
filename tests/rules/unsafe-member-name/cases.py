from tests.rules.builders import LEGACY, STATE, bad, checkpoint, good, problem, repacked, saved

UNSAFE = problem("unsafe-name", "member name leads out of the archive", member="archive/../../etc/x")

CASES = [
    bad(
        "by hand", checkpoint(problems=[UNSAFE]), "1 member name leads out", "`archive/../../etc/x`", severity="warning"
    ),
    bad("a parent folder", repacked(STATE, add={"model/../../../etc/cron.d/x": b"x"}), "etc/cron.d/x"),
    bad("an absolute name", repacked(STATE, add={"/etc/x": b"x"}), "/etc/x"),
    good("a state_dict", STATE),
    good("dots in a name", repacked(STATE, add={"model/extra/..model.v1.0": b"x"})),
    good("a legacy file", LEGACY),
    good("dots in keys are no member names", saved(lambda: {"a/../b": __import__("torch").ones(1)})),
]
