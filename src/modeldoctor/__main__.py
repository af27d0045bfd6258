"""`python -m modeldoctor`."""

import sys

# With -m the first entry is the working directory: a `typer.py` in the folder that is examined must not run.
if not sys.flags.safe_path:
    del sys.path[0]

from modeldoctor.cli import main

if __name__ == "__main__":
    main()
