"""MDR125: the index of a sharded model and its shards do not agree."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, place, rule
from modeldoctor.rules.file._problems import problems_of, seen
from modeldoctor.wording import count, listing

# Kind → (what is wrong, how bad, what to do).
_KINDS = (
    ("index-damaged", "the index of the shards cannot be read", Severity.ERROR, "fetch the index file again"),
    (
        "shard-mismatch",
        "the shards do not hold what the index says",
        Severity.ERROR,
        "index and shards are of different saves: fetch or save all of them again, into an empty folder",
    ),
    (
        "missing-record",
        "the folder lacks files that it needs",
        Severity.ERROR,
        "fetch the missing files: `hf download ORG/MODEL --local-dir .` skips what is there",
    ),
    (
        "shard-unlisted",
        "there are shards that no index mentions, so they are never loaded",
        Severity.WARNING,
        "delete them if they are of an older save, or save all again into an empty folder",
    ),
)


@rule(
    Checkpoint,
    code="MDR125",
    slug="shards-incomplete",
    severity=Severity.ERROR,
    since="0.1",
    summary="shards of the model are missing or do not hold what the index says",
)
def shards_incomplete(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """A model that is split over several files is not complete, or its index belongs to another set of files.

    ## What it finds
    Against `model.safetensors.index.json` or `pytorch_model.bin.index.json`: shards that are listed and not there (an
    error), tensors that the index puts into a shard which does not hold them (an error), an index that cannot be read
    (an error), and shards that no index mentions (a warning: they are never loaded). In the folders of PEFT and
    diffusers: the weights or component folders that the configuration names and that are not there.

    ## Why it matters
    Loaders go by the index and open shard after shard, so that a missing fifth of five files shows after minutes of
    loading the others. It happens when a download of a large repository stopped, when `.gitignore` or a size limit left
    files out of an image, when a second fine-tune was saved over the first with another number of shards, and when
    somebody renamed the files.

    ## Seen as
    * `FileNotFoundError: No such file or directory: "…/model-00003-of-00005.safetensors"`
    * `OSError: … does not appear to have a file named model-00003-of-00005.safetensors`
    * `SafetensorError: File does not contain tensor model.layers.3.mlp.up_proj.weight`
    * `Some weights of … were not initialized from the model checkpoint and are newly initialized` (only a warning of
      transformers, and then random weights in production)

    ## Fix
    Fetch what is missing; the client skips what is there:

    ```sh
    hf download ORG/MODEL --local-dir model/
    ```

    After training, save into an empty folder: `model.save_pretrained("out-new")`.

    ## References
    * `transformers/utils/hub.py`, `get_checkpoint_shard_files`
    """
    del context
    shards = checkpoint.shards
    missing = problems_of(checkpoint, "shard-missing")
    if missing:
        names = list(shards.missing) if shards and shards.missing else [p.member for p in missing if p.member]
        listed = f" of {len(shards.files):,} listed" if shards else ""
        yield Hit(
            f"{count(len(names) or sum(p.times for p in missing), 'shard')}{listed} missing: {listing(names)}",
            where=place(checkpoint),
            fix="fetch the missing files: `hf download ORG/MODEL --local-dir .` skips what is there",
            notes=(("seen as", "FileNotFoundError or OSError: … does not appear to have a file named …"),),
            key="missing",
        )
    for kind, what, severity, fix in _KINDS:
        problems = problems_of(checkpoint, kind)
        if problems and (kind != "missing-record" or checkpoint.container is None):
            yield Hit(what, where=place(checkpoint), severity=severity, fix=fix, notes=seen(problems), key=kind)
