"""Run the trace in the interpreter that the user names, under limits of time and memory."""

import json
import os
import re
import subprocess
import sys
from typing import Any

from modeldoctor.errors import UsageError
from modeldoctor.facts.memory import Trace

# Private memory of the child: importing torch takes 0.3 GB, fake weights take none.
MEMORY_BYTES = 8 << 30
# The answer is one line; what is longer is not ours.
_MOST_OUTPUT = 1 << 20
_MARK = "modeldoctor-trace:"
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")
_INPUT = re.compile(r"(?:[A-Za-z_]\w*=)?\d{1,9}(?:x\d{1,9})*(?::[a-z]\w*)?$")
_DTYPES = frozenset(
    ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64")
)
_MOST_ELEMENTS = 1 << 40


def run_trace(
    target: str, inputs: tuple[str, ...], interpreter: str | None, seconds: float, *, grad: bool = False
) -> Trace:
    """The trace of `module:factory`; UsageError for what can't be run. What the user's code raises is a `problem`."""
    if not _TARGET.match(target):
        raise UsageError(f"--trace must be `module:factory`, such as shop.nets:build, not `{target}`")
    for spec in inputs:
        _require_input(spec)
    if not 0 < seconds <= 3600:
        raise UsageError(f"--trace-seconds must be above 0 and at most 3600, not {seconds:g}")
    task = {"target": target, "inputs": list(inputs), "grad": grad, "memory_bytes": MEMORY_BYTES}
    answer = _ask(interpreter or sys.executable, task, seconds)
    return _trace(target, answer)


def _require_input(spec: str) -> None:
    if not _INPUT.match(spec):
        raise UsageError(f"--input must be a shape such as 1x3x224x224 or ids=1x128:int64, not `{spec}`")
    shape, _, dtype = spec.rpartition("=")[2].partition(":")
    if dtype and dtype not in _DTYPES:
        from modeldoctor.wording import did_you_mean

        raise UsageError(f"--input: no dtype is called `{dtype}`{did_you_mean(dtype, sorted(_DTYPES))}")
    elements = 1
    for size in shape.split("x"):
        elements *= int(size)
    if not 0 < elements <= _MOST_ELEMENTS:
        raise UsageError(
            f"--input: `{spec}` has {'no elements' if not elements else 'too many elements to be an input'}"
        )


def _ask(interpreter: str, task: dict[str, Any], seconds: float) -> dict[str, Any]:
    """What the child answers; a problem when it is ended, dies or says nothing."""
    script = os.path.join(os.path.dirname(__file__), "trace.py")
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(  # noqa: S603 - the interpreter and the code are what the user asked to run
            [interpreter, script], input=json.dumps(task).encode(), capture_output=True, timeout=seconds, check=False,
            env=environment,
        )  # fmt: skip
    except OSError as error:
        raise UsageError(f"--interpreter `{interpreter}` can't be run: {error.strerror}") from error
    except subprocess.TimeoutExpired:
        return {"problem": f"it took more than {seconds:g} s (`--trace-seconds`)"}
    lines = done.stdout[-_MOST_OUTPUT:].decode("utf-8", "replace").splitlines()
    found = next((text for text in reversed(lines) if text.startswith(_MARK)), None)
    if found is None:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        return {"problem": f"the interpreter ended without an answer: {last[0][:300]}"}
    try:
        answer = json.loads(found[len(_MARK) :])
    except ValueError:
        return {"problem": "the answer is no JSON"}
    return answer if isinstance(answer, dict) else {"problem": "the answer is no object"}


def _trace(target: str, answer: dict[str, Any]) -> Trace:
    """The answer as a `Trace`; what the user's code made of it is not trusted to have its form."""
    problem = str(answer.get("problem", ""))
    if not problem:
        try:
            return _figures(target, answer)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            problem = f"the answer is not of the form that the trace gives ({type(error).__name__})"
    return Trace(target, 1, 0, None, 0, 0, 0, 0, (), None, "", 0.0, problem)


def _figures(target: str, answer: dict[str, Any]) -> Trace:
    slope, grown = (None if answer[name] is None else int(answer[name]) for name in ("slope_bytes", "grad_bytes"))
    return Trace(
        target,
        max(1, int(answer["batch"])),
        int(answer["peak_bytes"]),
        slope,
        int(answer["largest_bytes"]),
        int(answer["convolution_bytes"]),
        int(answer["recurrent_bytes"]),
        int(answer["weights_bytes"]),
        tuple((str(name), int(size)) for name, size in answer["weights_by_dtype"]),
        grown,
        str(answer["torch"])[:40],
        float(answer["seconds"]),
    )
