from tests.rules.builders import STATE, bad, checkpoint, good, saved, skipped, tensor


def half(contents="module", share=1.0):
    floats = int(10 * share)
    tensors = [tensor(f"w{number}", dtype="float16" if number < floats else "float32") for number in range(10)]
    return checkpoint(tensors=tensors, anatomy={"contents": contents})


def network(dtype):
    def build():
        import torch

        model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.LayerNorm(8)).to(getattr(torch, dtype))
        model[1].float()
        return model.state_dict()

    return build


CASES = [
    bad("a module, no version known", half(), "100 % of the weights are float16", severity="warning", cuda="cpu"),
    bad("a module, 2.1", half(), "cannot compute in float16", severity="error", cuda="cpu", torch="2.1.2"),
    bad("a module, 2.6", half(), "20 times slower", severity="warning", gpus="", torch="2.6.0"),
    bad("a state_dict is copied", half("state_dict"), "float32 model", severity="info", cuda="cpu", torch="1.13.1"),
    bad("a state_dict by torch", saved(network("float16")), "of the weights are float16", severity="info", cuda="cpu"),
    skipped("nothing known of the target", half(), "float16"),
    good("a target with a GPU", half(), gpus="t4"),
    good("mostly float32", half(share=0.3), cuda="cpu"),
    good("bfloat16", saved(network("bfloat16")), cuda="cpu"),
    good("float32", STATE, cuda="cpu"),
]
