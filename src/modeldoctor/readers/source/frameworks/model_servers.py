"""Servers made for models: Ray Serve, BentoML, LitServe, TorchServe, KServe, Cog, SageMaker, MLServer, Triton…."""

from collections.abc import Iterator

from modeldoctor.readers.source.frameworks.base import Entry, Framework
from modeldoctor.readers.source.names import Names, Symbol
from modeldoctor.readers.source.syntax import Module

_REPLICA = {"__init__": "startup", "reconfigure": "startup", "*": "request", "__call__": "request"}
_HANDLER = {
    "initialize": "startup",
    "__init__": "startup",
    "handle": "request",
    "preprocess": "request",
    "inference": "request",
    "postprocess": "request",
}
_LIT = {"__init__": "startup", "setup": "startup", "pre_setup": "startup"} | dict.fromkeys(
    ("decode_request", "predict", "encode_response", "batch", "unbatch"), "request"
)
# sagemaker_inference/default_inference_handler.py: these functions of the user's module are called by their names
_SAGEMAKER = {"model_fn": "startup", "input_fn": "request", "predict_fn": "request", "output_fn": "request",
              "transform_fn": "request"}  # fmt: skip
_LAMBDA = frozenset({"lambda_handler"})


def _by_name(module: Module, names: Names) -> Iterator[Entry]:
    """What servers look up by name: TorchServe handlers, SageMaker and Lambda functions, the Triton class."""
    del names
    for scope in module.scopes.values():
        parameters = [parameter.name for parameter in scope.parameters]
        context = _SAGEMAKER.get(scope.name)
        if scope.name in _LAMBDA and len(parameters) == 2:
            context = "request"
        # ts/model_loader.py: a module-level `handle(data, context)`
        if scope.name == "handle" and len(parameters) == 2 and parameters[1] in {"context", "ctx"}:
            context = "request"
        if context is not None and scope.owner is None and scope.parent is None:
            yield Entry("model-server", context, Symbol("function", module.path, scope.name), f"{scope.name}()")
    for definition in module.classes.values():
        methods = _HANDLER if {"initialize", "handle"} <= definition.methods else {}
        if definition.name == "TritonPythonModel":
            methods = {"initialize": "startup", "execute": "request"}
        own = Symbol("class", module.path, definition.name)
        for method in sorted(methods.keys() & definition.methods):
            symbol = Symbol("function", module.path, f"{definition.name}.{method}")
            yield Entry("model-server", methods[method], symbol, f"{definition.name}.{method}", receiver=own)


FRAMEWORK = Framework(
    name="model-server",
    packages=(
        "ray", "bentoml", "litserve", "ts", "kserve", "cog", "mlserver", "tritonclient", "triton_python_backend_utils",
        "TritonPythonModel", "model_fn", "predict_fn", "lambda_handler", "handle", "modal", "runpod",
        "functions_framework",
    ),
    decorators={
        "bentoml.Service().api": "request",
        "bentoml.api": "request",
        "ray.remote": "background",
        "modal.enter": "startup",
        "modal.method": "request",
        "modal.web_endpoint": "request",
        "modal.fastapi_endpoint": "request",
        "functions_framework.http": "request",
    },
    bases={
        "@ray.serve.deployment": _REPLICA,
        "@ray.serve.deployment()": _REPLICA,
        "@ray.serve.ingress": _REPLICA,
        "@bentoml.service": {"__init__": "startup"},
        "bentoml.Runnable": _REPLICA,
        "litserve.LitAPI": _LIT,
        "ts.torch_handler.*": _HANDLER,
        "kserve.Model": {"__init__": "startup", "load": "startup"}
        | dict.fromkeys(("preprocess", "predict", "postprocess", "explain", "__call__"), "request"),
        "cog.BasePredictor": {"setup": "startup", "predict": "request"},
        "mlserver.MLModel": {"load": "startup", "predict": "request"},
    },
    calls={"runpod.serverless.start": ((0, "request"), ("[]", "request"))},
    find=_by_name,
)  # fmt: skip
