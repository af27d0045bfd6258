import json

from modeldoctor.facts.checkpoint import Adapter
from tests.rules.builders import STATE, bad, checkpoint, good


def adapter(base="meta-llama/Llama-2-7b-hf", **fields):
    values = {"kind": "LORA", "base_model": base, "rank": 8, "targets": ("q_proj", "v_proj"), **fields}
    return checkpoint("adapter", path="lora", adapter=Adapter(**values))


def folder_of(base):
    def make(folder):
        import torch
        from safetensors.torch import save_file

        config = {"peft_type": "LORA", "base_model_name_or_path": base, "r": 16, "target_modules": ["q_proj"]}
        (folder / "adapter_config.json").write_text(json.dumps(config))
        name = "base_model.model.layers.0.q_proj.lora_A.weight"
        save_file({name: torch.ones(16, 4)}, folder / "adapter_model.safetensors", metadata={"format": "pt"})
        return folder

    return make


CASES = [
    bad("LoRA", adapter(), "LORA of rank 8", "`meta-llama/Llama-2-7b-hf`", "`q_proj` and `v_proj`", severity="info"),
    bad("a path", adapter("/home/alice/llama"), "a path on the machine that trained it", severity="warning"),
    bad("a path on Windows", adapter("C:\\models\\llama"), severity="warning"),
    bad("no base named", adapter(None, rank=None, targets=()), "does not name", severity="info"),
    bad("a folder", folder_of("gpt2"), "rank 16", "`gpt2`", "`q_proj`", severity="info"),
    good("a model", STATE),
]
