"""MDR312: NumPy 2 under a torch that was compiled for NumPy 1."""

from collections.abc import Iterator

from modeldoctor.facts.skew import Environment, Package, Skew
from modeldoctor.findings import Confidence, Hit, Severity, Unjudged
from modeldoctor.predict import compat
from modeldoctor.predict.compat import Platform
from modeldoctor.predict.compat_host import python_minor
from modeldoctor.predict.versions import public
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import beside, over, shown, where

# Packages whose METADATA lists numpy, so that it comes along unasked.
BRING = ("torchvision", "transformers", "pandas", "scikit-learn", "scipy", "opencv-python", "opencv-python-headless",
         "matplotlib", "timm", "ultralytics", "librosa", "albumentations", "imageio", "scikit-image", "onnxruntime",
         "sentence-transformers", "easyocr", "accelerate", "peft", "datasets", "diffusers", "gensim")  # fmt: skip
# Packages of which releases exist that keep NumPy below 2; which ones is not in the tables.
CAP = ("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "numba", "scipy", "spacy", "thinc", "gensim", "langchain",
       "langchain-community", "chromadb", "streamlit", "ultralytics", "faiss-cpu", "faiss-gpu", "mxnet", "librosa",
       "scikit-image", "contourpy", "onnxruntime", "onnx", "gradio", "paddlepaddle", "tts", "fastai", "vllm", "pandas",
       "numpydoc", "scikit-learn", "shap", "pyarrow", "mediapipe", "deepface", "albumentations")  # fmt: skip


@rule(
    Skew,
    code="MDR312",
    slug="numpy-abi",
    severity=Severity.ERROR,
    since="0.1",
    summary="NumPy 2 beside a torch that was compiled for NumPy 1",
)
def numpy_abi(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """Releases of torch before 2.3.0 were compiled against NumPy 1 and cannot exchange arrays with NumPy 2.

    ## What it finds
    A torch below 2.3.0 (on Windows up to and including 2.4.0: the shim came there with 2.4.1) with NumPy 2: pinned, in
    a lock, or simply not limited, since pip then installs the newest NumPy that the Python allows: 2.0.2 on Python 3.9,
    2.2.6 on 3.10, 2.4.6 on 3.11. On Python 3.8 and older there is no NumPy 2, so nothing is reported. Whether a package
    beside it keeps NumPy below 2 is not always known; then the finding is a warning of medium confidence, or skipped.

    ## Why it matters
    No METADATA says so: torch 1.9 and later do not even list numpy, so neither pip nor `pip check` sees the conflict.
    `import torch` works with a warning that scrolls by, and the service fails at the first image or array it converts.

    ## Seen as
    * `A module that was compiled using NumPy 1.x cannot be run in NumPy 2.0.0 as it may crash.`
    * `UserWarning: Failed to initialize NumPy: _ARRAY_API not found`
    * `RuntimeError: Numpy is not available` at `tensor.numpy()` or `torch.from_numpy(array)`

    ## Fix
    ```text
    numpy<2
    ```

    in the same requirement file, or a constraint file that every `pip install` of the image uses. Or torch 2.3 and
    later, which works with both.

    ## References
    * The NumPy 2 import shim in `libtorch_python` of torch 2.3.0 and later, `torch_python.dll` of 2.4.1 and later
    * pytorch/pytorch issue 135013 (Windows)
    """
    del context
    return over(skew, _check)


def _check(environment: Environment) -> Iterator[Hit | Unjudged]:
    torch = environment.torch
    found = compat.release(torch.version) if torch and torch.certain else None
    place = Platform(environment.system, environment.machine)
    if torch is None or found is None or compat.numpy_ok(found, "2.0.0", place):
        return
    numpy = environment.packages.get("numpy")
    if numpy and numpy.version:
        if not compat.numpy_ok(found, numpy.version, place):
            yield _hit(environment, torch, numpy, f"numpy {public(numpy.version)} is pinned", None)
        return
    if torch.step is None or any(pin.manager == "conda" for pin in torch.pins):
        return  # the image has a NumPy for its torch already; conda's own metadata decides
    yield from _open(environment, torch, numpy)


def _open(environment: Environment, torch: Package, numpy: Package | None) -> Iterator[Hit | Unjudged]:
    """NumPy is not pinned, or only comes along with another package."""
    place = Platform(environment.system, environment.machine)
    found = compat.release(torch.version)
    python = python_minor(environment.python.version)
    # Of the Pythons that this torch supports, the last one is the likeliest to be used with it today.
    newest = compat.numpy_for(python or (found.pythons[-1] if found else ""), numpy.specifier if numpy else "")
    if not newest or found is None or compat.numpy_ok(found, newest, place):
        return
    brought = next((name for name in BRING if name in environment.packages), None)
    if numpy is None and brought is None:
        return
    caps = [name for name in CAP if (package := environment.packages.get(name)) and package.version]
    if caps:
        yield Unjudged(f"whether {', '.join(caps[:3])} keeps numpy below 2 is not known; in {environment.name}")
        return
    how = "is not limited" if numpy else f"comes with {brought}"
    if not python and "3.8" in found.pythons:
        how += " (unless the Python is 3.8 or older)"
    yield _hit(environment, torch, numpy, f"numpy {how}, so pip installs {newest}", Severity.WARNING)


def _hit(environment: Environment, torch: Package, numpy: Package | None, what: str, severity: Severity | None) -> Hit:
    windows = " on Windows" if environment.system == "windows" else ""
    return Hit(
        f"{what}, but {shown(torch)} was compiled for NumPy 1{windows}",
        where=where(environment, numpy, torch),
        fix="write `numpy<2` beside torch, or take torch 2.3 or newer (2.4.1 on Windows)",
        notes=(
            (
                "seen as",
                "RuntimeError: Numpy is not available (after: Failed to initialize NumPy: _ARRAY_API not found)",
            ),
        ),
        related=beside(torch) if numpy and numpy.pins else (),
        severity=severity,
        confidence=Confidence.MEDIUM if severity else None,
        key="numpy",
    )
