"""What `torch.package` writes: pickles and the Python sources they need, in one archive.

torch/package/package_exporter.py and package_importer.py. Modules that are not packed are listed in
`.data/extern_modules`; storages lie in `.data/<key>.storage`, shared by all pickles.
"""

from modeldoctor.detect import Sniffed
from modeldoctor.facts.checkpoint import Checkpoint, Problem, Storage, Tensor
from modeldoctor.readers.checkpoint.anatomy import Described, describe
from modeldoctor.readers.checkpoint.inside import OPCODES_FOR_TENSOR
from modeldoctor.readers.checkpoint.pickle_machine import Run
from modeldoctor.readers.checkpoint.records import MAX_LISTED, Root, attach, container, find_root, listed, text, unused
from modeldoctor.readers.checkpoint.salvage import open_archive
from modeldoctor.readers.checkpoint.torch_zip import run_records
from modeldoctor.readers.checkpoint.zip_archive import Archive
from modeldoctor.storage import Source
from modeldoctor.wording import count

# Members whose first bytes are looked at for a pickle.
MAX_LOOKED = 1000


def read(source: Source, sniffed: Sniffed, blank: Checkpoint) -> Checkpoint:
    """Fill in what the archive holds. ReadError when nothing is left of it."""
    archive = open_archive(source, sniffed.directory)
    root = find_root(archive, ".data/extern_modules")
    runs = _run(archive, root)
    storages: list[Storage] = []
    tensors: list[Tensor] = []
    places: dict[str, int] = {}
    described: list[Described] = []
    for number, run in enumerate(runs):
        if number and archive.budget.spent:
            what = f"of {count(len(runs), 'object')} in the package only the first {number} are described"
            archive.problems.append(Problem("limit", what))
            break
        for storage in run.storages:
            if places.setdefault(storage.key, len(places)) == len(storages):
                storages.append(storage)
        described.append(describe(run.value, run.storages, instances=run.pickle.instances))
        archive.problems += described[-1].problems
        archive.budget.opcodes -= OPCODES_FOR_TENSOR * len(described[-1].tensors)
        resource = f"{run.pickle.member}:" if len(runs) > 1 else ""
        for tensor in described[-1].tensors:
            place = None if tensor.storage is None else places[run.storages[tensor.storage].key]
            tensors.append(tensor._replace(path=f"{resource}{tensor.path}", storage=place))
    archive.check_headers()
    attached, used = attach(archive, tuple(storages), root.path(".data/"), ".storage")
    blank = blank._replace(
        state="understood" if archive.directory.whole else "unreadable",
        container=container(archive, root, listed(archive, unused(archive, used))),
        pickles=tuple([run.pickle for run in runs]),
        storages=attached,
        tensors=tuple(tensors),
        problems=(*root.problems, *archive.problems),
        extras=(
            ("externs", tuple((text(archive, root.path(".data/extern_modules")) or "").split())),
            ("sources", _names(archive, root, ".py")),
            ("python_version", text(archive, root.path(".data/python_version"))),
        ),
    )
    if described:  # of several objects, the one with the most weights is what the package is about
        main = max(described, key=lambda each: each.anatomy.storage_bytes)
        blank = blank._replace(anatomy=main.anatomy, outline=main.outline)
    return blank


def _run(archive: Archive, root: Root) -> list[Run]:
    """Every pickle in the package, told by its first bytes: resources have any name."""
    runs: list[Run] = []
    skipped = 0
    data = root.path(".data/")
    resources = [entry for entry in archive.directory.entries if not entry.name.startswith(data)]
    for entry in resources[:MAX_LOOKED]:
        if not _is_pickle(archive.head(entry, 2)):
            continue
        if not archive.budget.spent:
            archive.budget.models -= 1
            runs += run_records(archive, entry.name)
        else:
            skipped += 1
    skipped += len(resources[MAX_LOOKED:])
    if skipped:
        text = f"after {count(len(runs), 'pickle')} no more of the package was read"
        archive.problems.append(Problem("limit", text, times=skipped))
    return runs


def _is_pickle(head: bytes) -> bool:
    return head[:1] == b"\x80" and head[1:2] <= b"\x05"  # PROTO and its number


def _names(archive: Archive, root: Root, suffix: str) -> tuple[str, ...]:
    """Members with that suffix, without the root folder."""
    prefix = root.path("")
    names = [entry.name for entry in archive.directory.entries if entry.name.endswith(suffix)]
    return tuple([name.removeprefix(prefix) for name in names[:MAX_LISTED]])
