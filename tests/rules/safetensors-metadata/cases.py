from tests.rules.builders import STATE, bad, good, raw, safetensors

W = {"w": ("F32", [1], 0, 4)}


def written(**options):
    def make(folder):
        import torch
        from safetensors.torch import save_file

        save_file({"w": torch.ones(2)}, folder / "model.safetensors", **options)
        return folder / "model.safetensors"

    return make


CASES = [
    bad("none", written(), "has no metadata", "'NoneType' object has no attribute 'get'", severity="info"),
    bad("notes without a format", written(metadata={"step": "1000"}), "does not contain the valid", severity="warning"),
    bad("empty", safetensors(W, bytes(4), metadata={}), "without a format", severity="warning"),
    bad("another format", safetensors(W, bytes(4), metadata={"format": "np"}), "the format `np`", severity="warning"),
    bad("a LoRA for another program", safetensors(W, bytes(4), metadata={"ss_dim": "8"}, name="lora.safetensors"),
        severity="info"),
    bad("a shard", safetensors(W, bytes(4), metadata={}, name="model-00001-of-00002.safetensors"), severity="warning"),
    good("as save_pretrained writes it", written(metadata={"format": "pt"})),
    good("written by MLX", safetensors(W, bytes(4), metadata={"format": "mlx"})),
    good("no tensors", safetensors({}, b"")),
    good("a torch file", STATE),
    good("a broken header has its own rule", raw((9).to_bytes(8, "little") + b'{"w": 12}', "m.safetensors")),
]  # fmt: skip
