"""The verdicts on one file for a person: ranges of releases per way of loading, why they fail, and what to paste."""

from typing import Any, NamedTuple

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.load import LoadOutcome
from modeldoctor.predict.load import CURABLE, FORWARD_MODES, MODES, Predictor, matrix, matrix_of
from modeldoctor.predict.load.cure import resave, snippet
from modeldoctor.predict.load.explain import fits
from modeldoctor.predict.load.releases import columns, parse
from modeldoctor.predict.load.selection import Beside, known_releases
from modeldoctor.predict.load.summary import Range, line, rows, summarise

# Ways of loading that are worth a line, most usual first, and the call in words.
_CALLS = {
    "jit": "torch.jit.load(…)",
    "export": "torch.export.load(…)",
    "safetensors": "safetensors.torch.load_file(…)",
    "default": "torch.load(…)",
    "full": "torch.load(…, weights_only=False)",
    "default_cpu": 'torch.load(…, map_location="cpu")',
    "forward": "a forward pass then",
}
_STRANGE = " without its own code"
# Nobody reads through more imports than this before allowing them.
_MOST_ALLOWED = 100
_OF_DEVICE = frozenset({"device_unavailable", "unknown_location_tag"})


class Overview(NamedTuple):
    """`lines` are (how it is loaded, ranges of releases), `notes` say why ranges fail, `cures` are (what for, code)."""

    lines: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    cures: tuple[tuple[str, str], ...]


def loadable(checkpoint: Checkpoint) -> bool:
    """Whether there are bytes that a loader could be given: folders have none."""
    return bool(checkpoint.head) or checkpoint.format == "empty"


def representative(checkpoint: Checkpoint) -> Checkpoint:
    """The file that decides whether a model loads: of a sharded one, that with the most to import."""
    if loadable(checkpoint):
        return checkpoint
    shards = [shard for child in checkpoint.children for shard in (child, *child.children) if loadable(shard)]
    wanted = [shard for shard in shards if shard.tensors] if _is_one_model(checkpoint) else []
    return max(wanted, key=lambda shard: sum(len(pickle.globals) for pickle in shard.pickles), default=checkpoint)


def _is_one_model(checkpoint: Checkpoint) -> bool:
    return bool(checkpoint.shards) or any(child.shards for child in checkpoint.children)


def documented(checkpoint: Checkpoint, releases: tuple[str, ...], beside: Beside) -> list[dict[str, Any]]:
    """The `loads` of the inspection document: every way of loading, with and without the code of others."""
    checkpoint = representative(checkpoint)
    if not releases or not loadable(checkpoint):
        return []
    modes = (*MODES, *FORWARD_MODES)
    return rows(matrix(checkpoint, releases, modes, importable=(True, False), **beside._asdict()))


def overview(checkpoint: Checkpoint, asked: tuple[str, ...], beside: Beside) -> Overview | None:
    """The verdicts in words, those that say nothing new left out; over all known releases when none is asked for.

    None for what no loader can be given, and, unless releases are asked for, for what is no PyTorch file.
    """
    checkpoint = representative(checkpoint)
    if not loadable(checkpoint) or not (asked or checkpoint.state in {"understood", "unreadable"}):
        return None
    predictor = Predictor(checkpoint)
    ways = [mode for mode in _CALLS if fits(checkpoint, mode)] or ["default"]
    releases = asked or known_releases()
    outcomes = matrix_of(predictor, releases, ways, importable=(True, False), **beside._asdict())
    restricted = next(column.key for column in columns() if "restricted_loader" in column.does)
    found = summarise(
        outcome for outcome in outcomes if outcome.mode != "full" or (parse(outcome.torch) or (0, 0)) >= restricted
    )
    shown: dict[str, tuple[Range, ...]] = {}
    for mode in ways:
        own, strange = found.get((mode, True), ()), found.get((mode, False), ())
        if not _is_new(mode, own, shown.get("default", ())):
            continue
        shown[mode] = own
        if _differ(own, strange) and mode != "forward":
            shown[mode + _STRANGE] = strange
    lines = tuple((_call(mode), line(ranges)) for mode, ranges in shown.items())
    notes: dict[str, str] = {}
    for each in (each for ranges in shown.values() for each in ranges if not each.outcome.loads):
        notes.setdefault(_note(each.outcome), each.span)
    return Overview(
        lines, tuple(f"{span}: {note}" for note, span in notes.items()), _cures(predictor, shown.get("default", ()))
    )


def _is_new(mode: str, ranges: tuple[Range, ...], default: tuple[Range, ...]) -> bool:
    """Whether a way of loading adds to `torch.load(…)`."""
    if mode == "forward":
        return any(each.outcome.outcome_class == "forward_fails" for each in ranges)
    if mode == "default_cpu":
        return any(each.outcome.outcome_class in _OF_DEVICE for each in default)
    if mode == "full":
        return any(each.outcome.outcome == "refused" for each in default)
    return True


def _differ(own: tuple[Range, ...], strange: tuple[Range, ...]) -> bool:
    return [(each.span, each.outcome.outcome) for each in own] != [
        (each.span, each.outcome.outcome) for each in strange
    ]


def _call(mode: str) -> str:
    return _CALLS[mode.removesuffix(_STRANGE)] + (_STRANGE if mode.endswith(_STRANGE) else "")


def _note(outcome: LoadOutcome) -> str:
    error = f" ({outcome.exception.rpartition('.')[2]})" if outcome.exception else ""
    return f"{outcome.reason}{error}" + (f"; {outcome.fix}" if outcome.fix else "")


def _cures(predictor: Predictor, default: tuple[Range, ...]) -> tuple[tuple[str, str], ...]:
    """Code for what the newest release that refuses it wants: the names to allow, or another file."""
    checkpoint = predictor.file.checkpoint
    refused: list[LoadOutcome] = [each.outcome for each in default if each.outcome.outcome == "refused"]
    if not refused or predictor.danger or not fits(checkpoint, "default"):
        return ()
    cures = []
    kinds = {outcome.outcome_class for outcome in refused}
    found = predictor.cure(default[-1].last) if kinds & CURABLE else None
    if found and not found.why_not and len(found.names) <= _MOST_ALLOWED:
        cures.append(("if you trust these names, allow them:", snippet(found.names, checkpoint.path)))
    if checkpoint.anatomy.contents == "module" or not cures:
        cures.append(("if you trust the file, save its weights once, without classes:", resave(checkpoint)))
    return tuple(each for each in cures if each[1])
