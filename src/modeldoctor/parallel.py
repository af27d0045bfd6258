"""Many files examined in several processes. Each starts afresh (spawn), so nothing of this one is inherited."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from modeldoctor.config import Config
from modeldoctor.targets import Unit

Part = TypeVar("Part")

# A process costs as much as a dozen archives: fewer are examined here.
MIN_UNITS = 24
# Shares for each process, so that one with large files does not keep all others waiting.
SHARES = 4


def shared_out(
    units: Iterator[Unit], config: Config, work: Callable[[tuple[Unit, ...], Config], Part]
) -> Iterator[Part]:
    """What `work` makes of each share of the units, in order. What `units` raises at its end is raised at the end."""
    found: list[Unit] = []
    trouble: Exception | None = None
    try:
        found.extend(units)  # the complaints about what is missing come after what is there
    except Exception as error:  # noqa: BLE001 - raised again below
        trouble = error
    yield from _worked(found, config, work)
    if trouble is not None:
        raise trouble


def _worked(units: list[Unit], config: Config, work: Callable[[tuple[Unit, ...], Config], Part]) -> Iterator[Part]:
    if len(units) < MIN_UNITS:
        yield work(tuple(units), config)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    size = max(1, -(-len(units) // (config.jobs * SHARES)))
    shares = [tuple(units[start : start + size]) for start in range(0, len(units), size)]
    with ProcessPoolExecutor(min(config.jobs, len(shares)), mp_context=get_context("spawn")) as pool:
        for future in [pool.submit(work, share, config) for share in shares]:
            yield future.result()
