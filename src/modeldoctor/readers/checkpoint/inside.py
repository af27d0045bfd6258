"""Sources inside archives: how deep they lie, and what may still be read of the one file that holds them all."""

from modeldoctor.storage import Source

# A model in a zip in a tar in a gzip is the most that anybody packs.
MAX_DEPTH = 3
# Models that are read inside one file. Members may share bytes, so that a small file may hold any number.
MAX_MODELS = 64
# Bytes that are unpacked of one file: a second of work.
MAX_UNPACKED_BYTES = 256 << 20
# Bytes of members that are read as a whole.
MAX_WHOLE_BYTES = 256 << 20
# Opcodes of all pickles together, half as many again as one alone may have: a second and a half of work.
MAX_OPCODES = 6_000_000
# What a tensor costs besides its opcodes, in opcodes: a tensor of a few shared opcodes may stand in many places.
OPCODES_FOR_TENSOR = 40


class Budget:
    """What may still be read for one file, all its levels and members together. The first pickle is always read."""

    def __init__(self) -> None:
        self.models = MAX_MODELS
        self.unpacked = MAX_UNPACKED_BYTES
        self.whole = MAX_WHOLE_BYTES
        self.opcodes = MAX_OPCODES

    @property
    def spent(self) -> bool:
        """Whether no further model or pickle is read."""
        return self.models <= 0 or self.opcodes <= 0


class Inside:
    """A source inside an archive, `depth` levels below the file."""

    def __init__(self, source: Source, budget: Budget, depth: int) -> None:
        self.size = source.size
        self.read_at = source.read_at
        self.budget = budget
        self.depth = depth


def around(source: Source) -> tuple[Budget, int]:
    """The budget and the depth of a source: new ones for a file, those of the archive for what is inside."""
    return (source.budget, source.depth) if isinstance(source, Inside) else (Budget(), 0)
