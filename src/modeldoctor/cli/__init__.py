"""The command line: one file per command, options in, `Config` out."""

import gc
import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """The `modeldoctor` command: ends the process with what the command returns."""
    # Imports and pickles make many objects and next to no cycles: with the default threshold of 700, collections that
    # find nothing take a twentieth of the start-up.
    gc.set_threshold(100_000)
    # A closed descriptor (`>&-`) leaves None behind.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - open to the end
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - open to the end
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130  # 128 + SIGINT, as shells have it
    sys.stdout.flush()
    sys.stderr.flush()
    # Freeing every object takes as long as starting the interpreter did, and the system does it at once.
    os._exit(code)


def run(arguments: list[str]) -> int:
    """Run a command and hand back its exit code, 2 if the job could not be done."""
    from modeldoctor.cli.app import command

    for stream in (sys.stdout, sys.stderr):
        # What the console's encoding lacks (cp1252, the C locale) is escaped.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        return command().main(arguments, prog_name="modeldoctor", standalone_mode=False) or 0
    except Exception as error:  # noqa: BLE001 - the outermost wall: no traceback reaches the user
        from modeldoctor.cli.failure import report

        return report(error, arguments)
