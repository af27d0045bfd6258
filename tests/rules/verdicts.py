"""Verdicts on the committed sample checkpoints and on small files built by hand, for the cases of the loading rules."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from modeldoctor.facts.environment import Target, Value
from modeldoctor.facts.verdict import Code, Loading, Verdict
from modeldoctor.predict.verdict import verdict
from modeldoctor.readers.checkpoint import read_checkpoint

SAMPLES = Path(__file__).parents[2] / "fixtures" / "checkpoints"


def sample(name: str, *, loading: Loading | None = None, code: tuple[Code, ...] = (), **target: str) -> Verdict:
    """The verdict on a sample; `target` names versions (`torch="2.6.0"`)."""
    return judged(SAMPLES / name, loading=loading, code=code, **target)


def judged(path: Path, *, loading: Loading | None = None, code: tuple[Code, ...] = (), **target: str) -> Verdict:
    """The verdict on a file."""
    values: dict[str, Any] = {key: Value(text, f"--{key}") for key, text in target.items() if key != "gpus"}
    if target.get("gpus") == "none":
        values["gpus"] = ()
    found = verdict(read_checkpoint(str(path), path.name), Target(**values), loading, code)
    assert found is not None
    return found


def made(build: Callable[[Path], Path], **target: str) -> Verdict:
    """The verdict on a file that is written now."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return judged(build(Path(folder)), **target)
