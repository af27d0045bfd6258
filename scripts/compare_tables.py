"""Name the releases that the version tables lack: `python scripts/compare_tables.py`.

Asks the registry that pip is configured for, through `pip index versions`. Exits with 1 when a release is missing; a
person then adds it (see `scripts/read_torch_wheel.py`).
"""

import re
import subprocess
import sys
from collections.abc import Iterable

from packaging.version import InvalidVersion, Version

from modeldoctor.predict.compat import known_versions, releases
from modeldoctor.tables import table

# Packages of which the tables mean to know every release from the first that they list on.
COMPLETE = ("torchvision", "torchaudio", "xformers", "vllm")


def registry(package: str) -> list[Version]:
    """The final releases that the registry lists, oldest first."""
    command = [sys.executable, "-m", "pip", "index", "versions", package]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    found = re.search(r"^Available versions: (.*)$", done.stdout, re.MULTILINE)
    if found is None:
        print(f"{package}: the registry did not answer: {(done.stderr or done.stdout).strip()[-200:]}")
        return []
    return sorted(version for text in found[1].split(", ") if (version := parsed(text)) is not None)


def parsed(text: str) -> Version | None:
    """A final release without a local part; None for anything else."""
    try:
        version = Version(text.strip())
    except InvalidVersion:
        return None
    return None if version.is_prerelease or version.local else version


def missing(known: Iterable[str], listed: Iterable[Version]) -> list[str]:
    """The releases that the registry has and the tables lack, from the first one in the tables on."""
    have = {Version(text) for text in known}
    return [str(version) for version in listed if version > min(have) and version not in have] if have else []


def main() -> int:
    """Print what is missing."""
    print(f"tables of {table('compat')['as_of']}")
    lacking = 0
    for package in ("torch", *COMPLETE):
        known = [found.version for found in releases()] if package == "torch" else known_versions(package)
        found = missing(known, registry(package))
        lacking += len(found)
        print(f"{package}: {', '.join(found) if found else 'nothing is missing'}")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
