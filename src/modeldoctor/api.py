"""The public Python API: `modeldoctor.check` and `modeldoctor.inspect`."""

from modeldoctor.config import Config
from modeldoctor.findings import Report


def check(*paths: str, config: Config | None = None) -> Report:
    """Examine files and folders as `modeldoctor check` does. Never raises for what lies in a file."""
    from modeldoctor.engine import run

    return run(paths, config or Config())


def inspect(path: str) -> Report:
    """Read one file without judging it."""
    raise NotImplementedError(path)
