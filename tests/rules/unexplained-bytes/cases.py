from modeldoctor.facts.checkpoint import Container, Record
from tests.rules.builders import STATE, bad, checkpoint, good, problem, repacked, tensor


def holding(*records: tuple[str, int], size_bytes: int = 50_000_000):
    kept = tuple(Record(f"archive/{name}", size, size, None, compressed=False) for name, size in records)
    container = Container("zip", "archive", len(kept), records=kept)
    return checkpoint(tensors=[tensor("w", (1000, 1000))], container=container, size_bytes=size_bytes)


OWN = (("data.pkl", 5_000_000), ("version", 2), ("byteorder", 6), (".data/serialization_id", 40))

CASES = [
    bad(
        "old storages left behind",
        holding(*OWN, ("data/17", 20_000_000), ("data/18", 5_000_000)),
        "25.0 MB of 50.0 MB (50 %) lie in 2 records that no tensor refers to: `archive/data/17`",
        severity="warning",
    ),
    bad("a stowaway", repacked(STATE, add={"model/payload.exe": bytes(20_000)}), "20.0 kB", "`model/payload.exe`"),
    good("what torch itself writes", holding(*OWN)),
    good("a large pickle is explained", holding(("data.pkl", 40_000_000))),
    good("a note of a tool", holding(*OWN, ("NOTES.txt", 3000))),
    good("little in a large file", holding(*OWN, ("data/17", 1_000_000))),
    good("a state_dict", STATE),
    good("extra files of TorchScript", holding(("extra/labels.txt", 9_000_000))._replace(format="torchscript")),
    good("a cut file", holding(("data/17", 9_000_000))._replace(problems=(problem("truncated"),))),
]
