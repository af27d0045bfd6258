"""MDR112: the pickle refers to tensor bytes that the file does not hold."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, place, rule
from modeldoctor.rules.file._problems import cut_or_sealed, problems_of
from modeldoctor.wording import count, listing, size


@rule(
    Checkpoint,
    code="MDR112",
    slug="missing-storage",
    severity=Severity.ERROR,
    since="0.1",
    summary="tensors refer to records that are not in the archive",
)
def missing_storage(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The archive is whole, and some of the records that its tensors need are not in it.

    ## What it finds
    Storages that the pickle names (`data/17`) and the directory of the archive does not list. When the end of the file
    is missing, the rule `truncated` says so instead.

    ## Why it matters
    The load fails at the first missing record, after everything before it has been read. Records get lost when an
    archive is unpacked and packed again by a tool that skips names without a suffix, when two checkpoints are merged by
    hand, when a size limit of an upload cuts members out, or when a file is rebuilt after a crash (`zip -FF`).

    ## Seen as
    * `RuntimeError: PytorchStreamReader failed locating file data/0: file not found` (2.11 and later add `This is an
      internal miniz error. If you are seeing this error, there is a high likelihood that your checkpoint file is
      corrupted.`)

    ## Fix
    Take the file from its source again. If there is none, what is left can be rescued: put records of the right size in
    place, load, and drop the tensors that this finding names.

    ```sh
    unzip -l model.pt | head     # what is there
    ```

    ## References
    * `torch/serialization.py`, `_load`, `load_tensor`; `caffe2/serialize/inline_container.cc`, `getRecordID`
    """
    del context
    problems = problems_of(checkpoint, "missing-record")
    if not problems or cut_or_sealed(checkpoint) or problems_of(checkpoint, "several-roots", "no-root"):
        return
    if checkpoint.container is None:
        return  # what a folder lacks is told by `shards-incomplete`
    lost = {index: storage for index, storage in enumerate(checkpoint.storages) if storage.record is None}
    tensors = [tensor.path for tensor in checkpoint.tensors if tensor.storage in lost]
    missing = sum(problem.times for problem in problems)
    needed = sum(storage.size_bytes for storage in lost.values())
    names = [problem.member for problem in problems if problem.member]
    yield Hit(
        f"{count(missing, 'record')} of {size(needed)} that tensors need {'is' if missing == 1 else 'are'} not there: "
        f"{listing(names)}",
        where=place(checkpoint, problems[0].member),
        fix="take the file from its source again",
        notes=(
            *((("missing", f"{count(len(tensors), 'tensor')}: {listing(tensors)}"),) if tensors else ()),
            ("seen as", f"RuntimeError: PytorchStreamReader failed locating file {_short(names)}: file not found"),
        ),
    )


def _short(names: list[str]) -> str:
    """The record as torch names it: without the folder of the archive, and without archives around."""
    return names[0].rpartition("!")[2].partition("/")[2] if names else "data/0"
