"""The two errors that may cross module walls."""


class UsageError(Exception):
    """What was asked cannot be done: a bad option, configuration or path. The command exits with 2."""


class ReadError(ValueError):
    """The bytes are not what they claim to be. The engine turns it into a finding on the file.

    `kind` is a `Problem.kind` of `modeldoctor.facts.checkpoint`; `byte` is the offset where reading stopped.
    """

    def __init__(
        self, message: str, *, kind: str = "damaged", member: str | None = None, byte: int | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.member = member
        self.byte = byte
