"""MDR116: the model lies inside another archive."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.file._problems import named_as_model
from modeldoctor.wording import argument, listing

# Format → (command that unpacks it, what torch.load says).
_WRAPPINGS = {
    "gzip": ("gunzip --stdout {path} > model.pt", "_pickle.UnpicklingError: invalid load key, '\\x1f'."),
    "bzip2": ("bunzip2 --stdout {path} > model.pt", "_pickle.UnpicklingError: pickle data was truncated or the like"),
    "xz": ("xz --decompress --stdout {path} > model.pt", "_pickle.UnpicklingError: invalid load key, '\\xfd'."),
    "zlib": ("python -m zlib_flate or `zlib.decompress`", "_pickle.UnpicklingError: invalid load key, 'x'."),
    "zip": (
        "unzip {path}",
        "RuntimeError: [enforce fail at inline_container.cc] . file in archive is not in a subdirectory: model.pt",
    ),
    "tar": (
        "tar --extract --file {path}",
        "RuntimeError: Cannot use ``weights_only=True`` with files saved in the legacy .tar format (torch 2.6 on)",
    ),
}


@rule(
    Checkpoint,
    code="MDR116",
    slug="wrapped-archive",
    severity=Severity.ERROR,
    since="0.1",
    summary="the model is packed in another archive, which torch.load does not open",
)
def wrapped_archive(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    r"""The file is an archive or a compressed file around the model.

    ## What it finds
    gzip, bzip2, xz, zlib, zip and tar with a model inside. Under the name of a model (`model.pt` that is a gzip) it is
    an error: whoever loads the file fails. Under an honest name (`model.tar.gz`, as SageMaker wants it) it is an info.
    What is inside is read and checked as well. TorchServe archives (`.mar`) and Stable-Baselines3 zips are meant to be
    archives and pass.

    ## Why it matters
    A browser or `wget` stores what the server sent, and a server may send `Content-Encoding: gzip`; a hand-made zip
    around `model.pt` looks just like a checkpoint, which is a zip as well. torch looks into the outer archive, does not
    find its records, and says something about subdirectories or, for a tar, about a format of 2017.

    ## Seen as
    * `_pickle.UnpicklingError: invalid load key, '\x1f'.` (gzip)
    * `RuntimeError: [enforce fail at inline_container.cc:180] . file in archive is not in a subdirectory: model.pt`
      (zip)
    * `KeyError: "filename 'storages' not found"` (tar, torch up to 2.5)
    * ``RuntimeError: Cannot use ``weights_only=True`` with files saved in the legacy .tar format`` (tar, 2.6 and later)

    ## Fix
    ```sh
    gunzip --stdout model.pt > model.real.pt && mv model.real.pt model.pt
    curl --fail --location --compressed --output model.pt URL   # decodes what the server encoded
    ```

    Weights hardly shrink under compression, so ship the bare file.

    ## References
    * `torch/serialization.py`, `load` and `_legacy_load`
    """
    del context
    inside = [child for child in checkpoint.children if child.state == "understood"]
    if checkpoint.format not in _WRAPPINGS or not inside:
        return
    command, error = _WRAPPINGS[checkpoint.format]
    promised = named_as_model(checkpoint)
    names = [(child.member or child.path).rpartition("!")[2] for child in inside]
    yield Hit(
        f"the model {listing(names)} is packed in a {checkpoint.title}, which torch.load does not open",
        severity=Severity.ERROR if promised else Severity.INFO,
        fix=f"unpack it first: `{command.format(path=argument(checkpoint.path))}`",
        notes=(("seen as", error),),
    )
