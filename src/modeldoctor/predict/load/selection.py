"""The releases that somebody asks for (`2.6`, `2.6.0`, `1.13-2.5`, `all`), and what is beside them."""

from collections.abc import Iterable
from typing import NamedTuple

from modeldoctor.errors import UsageError
from modeldoctor.predict.compat_gpu import gpu, gpu_names
from modeldoctor.predict.load.releases import columns, parse
from modeldoctor.tables import table
from modeldoctor.wording import did_you_mean


class Beside(NamedTuple):
    """What torch is installed with. None: the versions it was measured with."""

    python: str | None = None
    numpy: str | None = None
    gpus: int = 0


def beside(python: str | None, numpy: str | None, gpus: Iterable[str]) -> Beside:
    """What the flags name; UsageError for what is no version and no GPU."""
    for flag, version in (("python", python), ("numpy", numpy)):
        if version is not None and parse(version) is None:
            raise UsageError(f"`--{flag} {version}` is no version")
    names = [name for name in gpus if name != "none"]
    for name in names:
        if gpu(name) is None:
            raise UsageError(f"no GPU is called `{name}`{did_you_mean(name, gpu_names())}")
    return Beside(python, numpy, len(names))


def known_releases() -> tuple[str, ...]:
    """Every release of torch that can be judged, oldest first."""
    first = columns()[0]
    listed = {release for release in table("compat")["releases"] if (parse(release) or (0, 0)) >= first.key}
    return tuple(sorted(listed | {column.release for column in columns()}, key=_order))


def chosen(asked: Iterable[str]) -> tuple[str, ...]:
    """The releases in order, each once. A series (`2.6`) is its last release; UsageError for what is no version.

    A release that the tables do not know is kept: its verdicts are `unknown`.
    """
    found: dict[str, None] = {}
    for text in asked:
        found |= dict.fromkeys(_chosen(text.strip()))
    return tuple(sorted(found, key=_order))


def _chosen(text: str) -> list[str]:
    known = known_releases()
    if text == "all":
        return list(known)
    first, dash, last = text.replace(" – ", "-").replace("..", "-").partition("-")
    low, high = parse(first), parse(last) if dash else None
    if low is None or (dash and high is None):
        raise UsageError(
            f"`--torch {text}` is no torch release, range (`1.13-2.5`) or `all`{did_you_mean(text, known)}"
        )
    if high is not None:
        return [release for release in known if low <= (parse(release) or (0, 0)) <= high]
    if text in known or text.count(".") > 1:
        return [text]
    series = [release for release in known if parse(release) == low]
    return series[-1:] or [text]


def _order(release: str) -> tuple[int, ...]:
    numbers = release.partition("+")[0].split(".")
    return tuple(int(part) if part.isdigit() else 0 for part in numbers)
