"""Run in a process of its own: examine all samples, one after the other, and tell what was found and what it cost.

Usage: python examine.py FOLDER   (a folder with one file or folder for each sample)
"""

import json
import os
import sys
import time

from modeldoctor.config import Config
from modeldoctor.engine import run


def peak_bytes() -> int:
    """The most memory that the process ever had; 0 where nobody tells."""
    try:
        with open("/proc/self/status") as status:  # what `getrusage` says begins with the parent's on Linux
            return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))
    except OSError:
        return 0


def main(folder: str) -> None:
    results = {}
    for name in sorted(os.listdir(folder)):
        before = time.process_time()
        report = run((os.path.join(folder, name),), Config())
        results[name] = {
            "codes": sorted({finding.code for finding in report.findings}),
            "worst": max((int(finding.severity) for finding in report.findings), default=0),
            "failures": [failure.message for failure in report.failures],
            "seconds": time.process_time() - before,
            "peak_mib": peak_bytes() >> 20,
        }
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
