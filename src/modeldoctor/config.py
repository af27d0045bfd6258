"""The settings of a run: defaults < configuration file < flags."""

from typing import NamedTuple

from modeldoctor.facts.environment import Target
from modeldoctor.findings import Severity


class Config(NamedTuple):
    """Everything that decides a run. `fail_on` None means never."""

    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: Severity | None = Severity.ERROR
    min_severity: Severity = Severity.INFO
    strict: bool = False
    sha256: bool = False
    allow_empty: bool = False
    trusted_globals: tuple[str, ...] = ()
    target: Target = Target()
