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


def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str) -> Outcome:
        monkeypatch.setattr("sys.argv", ["modeldoctor", *arguments])
        with pytest.raises(SystemExit) as exited:
            cli.main()
        return Outcome(int(exited.value.code or 0), *capsys.readouterr())

    return run
