"""MDR106: the stand-in that Git LFS or git-annex leaves for a file."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity, Unjudged
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.file._problems import load_error, meant_as_model
from modeldoctor.wording import size


@rule(
    Checkpoint,
    code="MDR106",
    slug="lfs-pointer",
    severity=Severity.ERROR,
    since="0.1",
    summary="a Git LFS pointer stands where the model should be",
)
def lfs_pointer(checkpoint: Checkpoint, context: Context) -> Iterator[Hit | Unjudged]:
    """The file is the short text that git keeps in place of a large one: the model itself was never fetched.

    ## What it finds
    A file that begins with `version https://git-lfs.github.com/spec/v1` (or the pointer of git-annex). Pointers under
    the name of a model are always reported, others when you name them.

    ## Why it matters
    The clone looks complete: name and place are right, `ls` shows the file. It has about 130 bytes. It happens when
    `git-lfs` is not installed in the image that clones, with `GIT_LFS_SKIP_SMUDGE=1`, in CI checkouts without
    `lfs: true`, when the LFS quota of the hoster is used up, and with "Download ZIP", which packs the pointers.

    ## Seen as
    * `_pickle.UnpicklingError: invalid load key, 'v'.` (torch up to 2.5, and any release with `weights_only=False`)
    * `_pickle.UnpicklingError: Weights only load failed. … WeightsUnpickler error: Unsupported operand 118` (torch 2.6
      and later; 118 is the `v` of `version`; its advice to set `weights_only=False` doesn't help)
    * `SafetensorError: Error while deserializing header: header too large` (under the name `.safetensors`)

    ## Fix
    ```sh
    git lfs install
    git lfs pull --include "*.pt,*.pth,*.bin,*.safetensors"
    ```

    In GitHub Actions: `uses: actions/checkout@v4` with `lfs: true`. In a Dockerfile, install `git-lfs` before the
    clone. For git-annex: `git annex get model.pt`.

    ## References
    * Git LFS specification: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
    """
    if checkpoint.format not in {"lfs-pointer", "annex-pointer"}:
        return
    if not meant_as_model(checkpoint, context):
        yield Unjudged(f"not checked: {checkpoint.title}")
        return
    yield Hit(
        f"the file is a {checkpoint.title} of {size(checkpoint.size_bytes)}, the model itself was never fetched",
        fix=checkpoint.advice or "git lfs pull",
        notes=(("seen as", load_error(checkpoint)),),
    )
