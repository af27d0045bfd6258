from tests.rules.builders import LEGACY, STATE, bad, checkpoint, good, safetensors

CASES = [
    bad("a stream by torch 2.13", LEGACY, "no mmap", "mmap can only be used", severity="info"),
    bad("a tar of 2017", checkpoint("torch-tar", title="torch.save tar"), "legacy .tar format", severity="warning"),
    good("a zip", STATE),
    good("safetensors", safetensors({}, b"")),
    good("a cut stream has its own rule", checkpoint("torch-legacy", state="unreadable")),
]
