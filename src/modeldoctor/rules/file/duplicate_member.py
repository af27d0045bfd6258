"""MDR110: two records of one name."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, place, rule
from modeldoctor.rules.file._problems import LAYOUT, problems_of, seen
from modeldoctor.wording import listing


@rule(
    Checkpoint,
    code="MDR110",
    slug="duplicate-member",
    severity=Severity.ERROR,
    since="0.1",
    summary="two members of the archive have the same name, and readers differ in which one they take",
)
def duplicate_member(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The archive holds more than one member under one name (or two names that torch does not tell apart).

    ## What it finds
    Names that stand more than once in the directory of the zip, also when they differ only in upper and lower case,
    which torch's reader ignores; and tensors that the header of a safetensors file describes twice. All of them are
    read here: what a second `data.pkl` names is reported like what the first one names.

    ## Why it matters
    There is no rule which of the two counts. torch's reader sorts the names and finds one of them by bisection, so that
    even its own choice depends on the other members: in one and the same file 2.13 took the foreign `data/0` and the
    original `data.pkl`. Python's `zipfile` takes the last, other tools the first. A scanner that looks at one and a
    service that loads the other is how malicious pickles get past gates. No release of torch writes such a file; a
    script that appends to the archive (`zipfile.ZipFile(path, "a")`) does, and somebody who wants to deceive does.

    ## Seen as
    No error at all. The model loads with one of the two contents, and it may be another one in the next release.

    ## Fix
    If you trust the source, write the file again and look at what changed:

    ```python
    state = torch.load("model.pt", map_location="cpu", weights_only=True)
    torch.save(state, "model.clean.pt")
    ```

    To add data of your own, put it into the object that you save; TorchScript has `_extra_files`.

    ## References
    * `mz_zip_reader_locate_file_v2` in miniz, which torch uses (`third_party/miniz`)
    * Bypasses of this kind: protectai/modelscan issue 354, mmaitre314/picklescan advisories
    """
    del context
    problems = problems_of(checkpoint, "duplicate-member")
    if not problems or problems_of(checkpoint, *LAYOUT):
        return  # a description that was replaced leaves a hole, which readers of safetensors refuse
    names = list(dict.fromkeys(problem.member for problem in problems if problem.member))
    what = f"the archive holds {listing(names)}" if names else "the header describes tensors"
    yield Hit(
        f"{what} more than once, and readers differ in which one they take",
        where=place(checkpoint, problems[0].member, problems[0].byte),
        fix="don't load it unless you know who wrote it; then load it with weights_only=True and save it again",
        notes=seen(problems),
        key=names[0] if names else "",
    )
