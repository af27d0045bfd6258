"""How a load ends when it does not give the object: the class of the error, the error, and where."""

from typing import NamedTuple

from modeldoctor.predict.load.releases import Column


class Failure(NamedTuple):
    """Why a load fails. `subject` is what the reason and the fix are about: a global, a record, a device.

    `kind` is the class of the outcome; `unknown` when it cannot be told whether the load fails at all.
    """

    kind: str
    exception: str
    message: str
    subject: str = ""
    position: int | None = None


UNPICKLING = "_pickle.UnpicklingError"
_LEAD = "Weights only load failed. "


def unknown(why: str) -> Failure:
    """Nobody can tell, and why."""
    return Failure("unknown", "", "", why)


def refusal(column: Column, kind: str, text: str, subject: str, position: int) -> Failure:
    """What the restricted loader itself refuses, as torch.load words it."""
    lead = _LEAD if "wraps_runtime_errors" not in column.does else f"{_LEAD}…WeightsUnpickler error: "
    return Failure(kind, UNPICKLING, f"{lead}{text}", subject, position)


def wrapped(column: Column, failure: Failure) -> Failure:
    """What a RuntimeError becomes that passes through the restricted loader: up to 2.4 an UnpicklingError."""
    if "wraps_runtime_errors" not in column.does or failure.exception not in {"RuntimeError", "NotImplementedError"}:
        return failure
    message = f"{_LEAD}…WeightsUnpickler error: {failure.message}"
    return failure._replace(kind=f"wo_wrapped_{failure.kind}", exception=UNPICKLING, message=message)
