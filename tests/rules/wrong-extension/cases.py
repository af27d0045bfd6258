from tests.rules.builders import LEGACY, STATE, bad, checkpoint, good, raw, renamed, safetensors

SAFE = {"a": ("F32", [1], 0, 4)}


def scripted(name):
    def make(folder):
        import torch

        class Twice(torch.nn.Module):
            def forward(self, x):
                return 2 * x

        path = folder / name
        torch.jit.trace(Twice(), torch.ones(1)).save(path)
        return path

    return make


def plain(name, protocol=2):
    import pickle

    return raw(pickle.dumps({"a": 1}, protocol), name)


CASES = [
    bad("safetensors for torch.load", safetensors(SAFE, bytes(4), name="model.bin"), "`.bin`", severity="error"),
    bad("the fix has the name", safetensors(SAFE, bytes(4), name="model.PT"), "`model.safetensors`"),
    bad("torch for safetensors", renamed(STATE, "m.safetensors"), "header too large", "2.13", severity="error"),
    bad("legacy for safetensors", renamed(LEGACY, "m.safetensors"), "header too large"),
    bad("pickle.dump", plain("model.pt"), "Invalid magic number; corrupt file?", "pickle.load", severity="error"),
    bad("joblib", checkpoint("joblib", title="joblib pickle", path="m.pth"), "`joblib.load`"),
    bad("not ONNX", renamed(STATE, "model.onnx"), "`.onnx`", severity="error"),
    bad("TorchScript under .pth", checkpoint("torchscript", path="m.pth"), "torch.jit.load", severity="info"),
    bad("torch under .pkl", renamed(STATE, "model.pkl"), "persistent id", severity="info"),
    good("torch under .pth", renamed(STATE, "model.pth")),
    good("torch under .pth.tar", renamed(STATE, "model_best.pth.tar")),
    good("torch without a suffix", renamed(STATE, "model")),
    good("torch under a suffix of its own", renamed(STATE, "model.params")),
    good("safetensors under its name", safetensors(SAFE, bytes(4))),
    good("a pickle under its name", plain("model.pkl")),
    good("TorchScript under .pt", checkpoint("torchscript")),
    good("foreign content has its own rule", checkpoint("onnx", state="recognised", path="model.pt")),
    good("a cut file has its own rule", renamed(raw(b"PK\3\4" + bytes(10)), "m.safetensors")),
]
