"""Runs the command in this process."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from modeldoctor import cli


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


Command = Callable[..., Outcome]


def command(capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str) -> Outcome:
        return Outcome(cli.run(list(arguments)), *capsys.readouterr())

    return run
