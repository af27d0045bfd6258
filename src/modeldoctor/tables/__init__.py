"""Data, not code: JSON files with their sources, parsed when first asked for."""

import os
from functools import cache
from typing import Any


@cache
def table(name: str) -> Any:
    """The parsed `<name>.json` of this folder. Shared between callers: never change what it returns."""
    import json

    with open(os.path.join(os.path.dirname(__file__), f"{name}.json"), encoding="utf-8") as file:
        return json.load(file)
