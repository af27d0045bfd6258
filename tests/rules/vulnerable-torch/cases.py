from tests.rules.builders import bad, good
from tests.rules.verdicts import sample


def both(name, subject, *texts, torch, **more):
    """The context carries the target as well, for `needs`."""
    return bad(name, subject, *texts, torch=torch, **more)


CASES = [
    both("before 2.6", sample("state_dict.pt", torch="2.5.1"), "CVE-2025-32434", torch="2.5.1", severity="warning"),
    both("before 2.10", sample("state_dict.pt", torch="2.6.0"), "CVE-2026-24747", torch="2.6.0", severity="info"),
    good("2.10", sample("state_dict.pt", torch="2.10.0"), torch="2.10.0"),
    good("safetensors", sample("model.safetensors", torch="2.1.0"), torch="2.1.0"),
]
