"""Whether the torch of the server loads a model file of the archive."""

from typing import NamedTuple

from modeldoctor.facts.archive import Archive
from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.environment import Target
from modeldoctor.facts.load import LoadOutcome
from modeldoctor.predict.globals import origin
from modeldoctor.predict.torchserve.names import finds
from modeldoctor.tables import table

# Releases that stand for all when nobody says which one the server has: before and after `weights_only` became the
# default (torch 2.6), and the newest that was measured.
_OLD, _NEW = ("2.1.0", "2.5.0"), ("2.6.0", "2.13.0")


class Verdict(NamedTuple):
    """A load that fails. `always`: with every torch that may be there; `where`: with which; `known`: it was told."""

    outcome: LoadOutcome
    always: bool = True
    where: str = ""
    known: bool = False


def verdict(archive: Archive, part: Checkpoint, mode: str, target: Target) -> Verdict | None:
    """How loading fails; None when it works, or when nobody can tell."""
    from modeldoctor.predict.load import Predictor

    release = _release(archive, target)
    python = target.python.text if target.python else None
    predictor = Predictor(part)
    there = importable(archive, part)
    gpus = 0 if target.cpu_only else 8

    def failure(torch: str) -> LoadOutcome | None:
        outcome = predictor.predict(torch, mode, importable=there, python=python, gpus=gpus)
        if part.extra("head_only") and outcome.outcome != "refused" and "constants.pkl" not in outcome.message:
            return None  # what stands behind the head was not looked at
        return None if outcome.loads or outcome.outcome == "unknown" else outcome

    if release:
        outcome = failure(release)
        return Verdict(outcome, always=True, known=True) if outcome else None
    old, new = [failure(each) for each in _OLD], [failure(each) for each in _NEW]
    if all(old) and all(new):
        return Verdict(new[-1]) if new[-1] else None
    if new[-1] and new[0] and not any(old):
        return Verdict(new[-1], always=False, where="torch 2.6 and later")
    return None


def _release(archive: Archive, target: Target) -> str | None:
    if target.torch:
        return target.torch.text
    row = table("torchserve")["releases"].get(archive.server.release)
    return row["torch"] if row else None


def importable(archive: Archive, part: Checkpoint) -> bool:
    """Whether the classes that the file names are there, as far as they would be the archive's."""
    for pickle in part.pickles:
        for each in pickle.globals:
            owner = origin(each.module, each.name).owner
            if owner == "main" or (owner == "project" and not finds(archive, each.module)):
                return False
    return True
