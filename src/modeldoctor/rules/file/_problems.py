"""What the file rules share: what a reader saw, and which rule speaks when one cause shows in several ways."""

from modeldoctor.facts.checkpoint import Checkpoint, Problem
from modeldoctor.findings import Severity
from modeldoctor.rules.base import Context
from modeldoctor.wording import quoted

Notes = tuple[tuple[str, str], ...]

# Names under which PyTorch code loads a model; `.pth.tar` and `.ptl` are idioms of examples and of mobile.
MODEL_SUFFIXES = (".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".pt2", ".ptl", ".pte", ".th", ".pth.tar", ".pt.tar")

# Kinds after which missing or odd bytes are no news: the rule about that kind says it once.
_CAUSES = ("unreadable", "encrypted-member", "truncated")

# What is wrong with the header of a safetensors file.
LAYOUT = (
    "safetensors-header",
    "safetensors-shape",
    "safetensors-range",
    "safetensors-overlap",
    "safetensors-hole",
)

# Bytes that are opcodes of a pickle (Lib/pickletools.py): with any other one the load fails at the first byte.
_OPCODES = frozenset(b"().012BCFGIJKLMNPQRSTUVX]abcdeghijlopqrstu}") | frozenset(range(0x80, 0x99))


def problems_of(checkpoint: Checkpoint, *kinds: str) -> list[Problem]:
    """The problems of these kinds, in the order of the kinds."""
    return [problem for kind in kinds for problem in checkpoint.problems if problem.kind == kind]


def cut_or_sealed(checkpoint: Checkpoint) -> bool:
    """Whether bytes are missing for a reason that has its own rule, so that what follows from it need not be said."""
    return any(problem.kind in _CAUSES for problem in checkpoint.problems)


def seen(problems: list[Problem], shown: int = 3) -> Notes:
    """One `seen` note for each of the first problems and one for the number of the others."""
    lines = [
        f"{quoted(problem.member)}: {problem.text}" if problem.member else problem.text for problem in problems[:shown]
    ]
    left = sum(problem.times for problem in problems) - len(lines)
    if left > 0:
        lines.append(f"and {left:,} more")
    return tuple(("seen", line) for line in lines)


def named_as_model(checkpoint: Checkpoint) -> bool:
    """Whether the name promises a model to PyTorch code."""
    return (checkpoint.member or checkpoint.path).lower().endswith(MODEL_SUFFIXES)


def meant_as_model(checkpoint: Checkpoint, context: Context) -> bool:
    """Whether somebody expects a model here: by naming the file to us, by its suffix, or under `--strict`."""
    return context.explicit or context.strict or named_as_model(checkpoint)


def strict_severity(context: Context) -> Severity:
    """A warning that `--strict` makes an error."""
    return Severity.ERROR if context.strict else Severity.WARNING


def load_error(checkpoint: Checkpoint) -> str:
    """What a loader says of content that is no model: it takes the first byte for an opcode, or eight for a length."""
    name = (checkpoint.member or checkpoint.path).lower()
    if name.endswith(".safetensors"):
        return "SafetensorError: Error while deserializing header: header too large"
    first = checkpoint.head[:1]
    if not first or first[0] in _OPCODES:
        return "_pickle.UnpicklingError, for torch.load takes the file for a pickle"
    shown = chr(first[0]) if 0x20 <= first[0] < 0x7F else f"\\x{first[0]:02x}"
    return (
        f"_pickle.UnpicklingError: invalid load key, '{shown}'., "
        f"or Weights only load failed … Unsupported operand {first[0]} (torch 2.6 on)"
    )
