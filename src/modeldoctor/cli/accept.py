"""`--write-baseline` and `--prune-baseline`."""

import os

from modeldoctor import baseline
from modeldoctor.config import Config
from modeldoctor.engine import run
from modeldoctor.errors import UsageError
from modeldoctor.findings import Report
from modeldoctor.wording import count


def rewritten(targets: tuple[str, ...], config: Config, *, write: bool) -> Report:
    """Run, and change the baseline to what was found; the report as the next run will see it.

    A run that could not finish changes nothing: its findings are not all there are.
    """
    path = config.baseline
    if path is None:
        raise UsageError(
            "`--write-baseline` and `--prune-baseline` need `--baseline FILE`, or `baseline` in the configuration"
        )
    report = run(targets, config._replace(baseline=None) if write else config)
    if report.failures:
        return report
    shown = os.path.relpath(path).replace(os.sep, "/")
    before = report.findings
    report = baseline.written(report, path, shown) if write else baseline.pruned(report, path)
    known = count(sum(map(baseline.is_accepted, report.findings)), "finding")
    done = (
        f"wrote {known} to" if write else f"took {count(len(before) - len(report.findings), 'entry', 'entries')} out of"
    )
    return report._replace(notices=(*report.notices, f"{done} {shown}"))
