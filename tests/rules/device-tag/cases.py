from tests.rules.builders import STATE, bad, checkpoint, edited, good, saved, tensor


def tagged(*devices, **fields):
    tensors = [tensor(f"w{number}", (1000, 1000), device=device) for number, device in enumerate(devices)]
    return checkpoint(tensors=tensors, **fields)


def as_if_from(device):
    """The pickle of a file saved on that device differs in the tag alone; the tag of equal length keeps the zip whole."""

    def change(data):
        import zlib

        tag = b"X\x03\0\0\0cpu"
        assert tag in data
        return data.replace(tag, b"X\x03\0\0\0" + device) if zlib else data

    return edited(STATE, change)


META = saved(lambda: {"w": __import__("torch").ones(2, device="meta")})

CASES = [
    bad(
        "nothing known of the target",
        tagged("cuda:0"),
        "4.0 MB of tensors are tagged `cuda:0`: loading on a machine without it needs map_location",
        'torch.load("model.pt", map_location="cpu")',
        severity="warning",
    ),
    bad("a CPU target", tagged("cuda:0"), "no GPU", "is_available() is False", severity="error", cuda="cpu"),
    bad("a host without GPUs", tagged("cuda:0"), "no GPU", severity="error", gpus=""),
    bad("a host with one GPU", tagged("cuda:3"), "device_count() is 1", severity="error", gpus="t4"),
    bad("the GPU is there", tagged("cuda:0"), "every process", severity="info", gpus="t4"),
    bad("the worst of several", tagged("cuda:0", "cuda:1"), "`cuda:1` (and 1 more", severity="error", gpus="t4"),
    bad("a Mac", tagged("mps"), "only a Mac", "Storage device not recognized: mps", severity="warning"),
    bad("a Mac for Linux", tagged("mps"), severity="error", platform="linux"),
    bad("a Mac for a Mac", tagged("mps"), severity="info", platform="darwin"),
    bad("an accelerator", tagged("hpu:0"), "plug-in", "hpu:0", severity="warning"),
    bad("an accelerator for a CPU", tagged("npu:0"), severity="error", cuda="cpu"),
    bad("TorchScript", tagged("cuda:0", format="torchscript"), "torch.jit.load"),
    bad("a tag of rubbish", tagged("cuda:" + "9" * 5000), "cuda:999", severity="warning"),
    bad("by torch", as_if_from(b"mps"), "76 bytes of tensors are tagged `mps`"),
    good("saved from the CPU", STATE),
    good("a CPU target and CPU tensors", STATE, cuda="cpu"),
    good("meta tensors have a rule of their own", META),
    good("safetensors knows no devices", tagged("cuda:0", format="safetensors")),
]
