from tests.rules.builders import STATE, STRICT, STRICT_WALKED, WALKED, bad, checkpoint, good, raw, saved, skipped

ONNX = checkpoint("onnx", state="recognised", title="ONNX model", path="model.onnx", advice="use onnxruntime")
GGUF = raw(b"GGUF\x03\0\0\0" + bytes(60), "llama.gguf")

CASES = [
    bad("named by the user", ONNX, "not checked: ONNX model", "use onnxruntime", severity="warning"),
    bad("strict", ONNX, severity="error", context=STRICT),
    bad("walked, strict", ONNX, severity="error", context=STRICT_WALKED),
    skipped("walked", ONNX, "not checked: ONNX model", context=WALKED),
    bad("under a name for torch", ONNX._replace(path="model.pt", head=b"\x08"), "invalid load key, '\\x08'."),
    bad("a GGUF file", GGUF, "GGUF", "llama.cpp"),
    skipped("a walked GGUF file", GGUF, "GGUF", context=WALKED),
    bad("a NumPy file under the name of a model", raw(b"\x93NUMPY\x01\x00v\x00" + bytes(60)), "NumPy"),
    bad("a JSON file that is no model", raw(b'{"hidden_size": 3}', "settings.json"), "JSON"),
    good("JSON under the name of a model is an error page", raw(b'{"hidden_size": 3}', "model.pt")),
    good("a pointer has a rule of its own", checkpoint("lfs-pointer", state="recognised")),
    good("an archive around a model", checkpoint("zip", state="recognised", children=[checkpoint()])),
    good("a state_dict", STATE),
    good("no tensors at all", saved(lambda: {"lr": 0.1})),
]
