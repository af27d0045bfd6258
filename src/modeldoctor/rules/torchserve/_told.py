"""A fault that was predicted, as a hit."""

from collections.abc import Iterable, Iterator

from modeldoctor.facts.archive import Archive, Store
from modeldoctor.findings import Confidence, Hit, Where
from modeldoctor.predict.torchserve import faults
from modeldoctor.predict.torchserve.faults import Fault
from modeldoctor.predict.torchserve.store import store_faults
from modeldoctor.rules.base import Context
from modeldoctor.tables import table


def told(archive: Archive, context: Context, kind: str) -> Iterator[Hit]:
    """The faults of one kind; what is equal but for the place is told once for each place."""
    placed = ((archive.path, fault) for fault in faults(archive, context.target) if fault.kind == kind)
    modelled, release = table("torchserve")["modelled"], archive.server.release
    for hit in _hits(placed, archive.container):
        if release in {"", modelled}:
            yield hit
        else:
            confidence = min(hit.confidence or Confidence.HIGH, Confidence.MEDIUM)
            note = ("holds for", f"TorchServe {modelled}; this server has {release}")
            yield hit._replace(confidence=confidence, notes=(*hit.notes, note))


def told_of_store(store: Store, kind: str) -> Iterator[Hit]:
    """The faults of one kind that only all archives together show."""
    return _hits((placed for placed in store_faults(store) if placed[1].kind == kind), "")


def _hits(placed: Iterable[tuple[str, Fault]], container: str) -> Iterator[Hit]:
    seen = set()
    for path, fault in placed:
        if (path, fault) in seen:
            continue
        seen.add((path, fault))
        where = Where(path, fault.line, member=fault.member)
        if container == "folder" and fault.member:
            where = Where(f"{path}/{fault.member}", fault.line)
        notes = (("seen as", fault.seen), *fault.notes) if fault.seen else fault.notes
        yield Hit(
            fault.message,
            where=where,
            fix=fault.fix,
            notes=notes,
            severity=fault.severity,
            confidence=fault.confidence,
            key=fault.key,
            data=_data(fault),
        )


def _data(fault: Fault) -> dict[str, object] | None:
    """The call that fails and what it answers; `named`: the same when the call names the model, as at start-up."""
    if not fault.phase:
        return None
    data: dict[str, object] = {"phase": fault.phase, "http": fault.http}
    if fault.stops_server:
        data["stops_server"] = True
    if fault.named is not None:
        data["named"] = {"phase": fault.named[0] or None, "http": fault.named[1]}
    return data
