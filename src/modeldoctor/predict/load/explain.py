"""Why a load fails and what to do, in words."""

from modeldoctor.predict.load.failures import Failure


def reason(failure: Failure) -> str:
    """Why, in one sentence part."""
    return failure.subject


def fix(failure: Failure) -> str:
    """What to do."""
    del failure
    return ""
