"""MDR118: another pickle after the end of the one that torch reads."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, place, rule
from modeldoctor.rules.file._problems import cut_or_sealed, problems_of, seen
from modeldoctor.wording import listing


@rule(
    Checkpoint,
    code="MDR118",
    slug="second-pickle",
    severity=Severity.WARNING,
    since="0.1",
    summary="another pickle follows the one that torch reads",
)
def second_pickle(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """After the STOP opcode of the pickle that torch loads, another pickle begins.

    ## What it finds
    A pickle behind the first one in `data.pkl` or in a plain pickle file. The five pickles that a legacy file consists
    of (magic number, protocol, system, object, storage keys) belong there and are not counted. What the second one
    names is judged by the rules for pickles like any other.

    ## Why it matters
    torch stops at the first STOP, so the rest rides along unseen: nothing that torch writes looks like this. It appears
    when a script calls `pickle.dump` twice on one open file (the reader must then call `load` twice as well), and when
    somebody hides a payload from scanners that stop where torch stops, for a loader that reads on.

    ## Seen as
    Nothing: `torch.load` and a single `pickle.load` return the first object without a word.

    ## Fix
    Save one object, in a dictionary if there are several:

    ```python
    torch.save({"model": model.state_dict(), "classes": classes}, "model.pt")
    ```

    For a file that is not yours: load it with `weights_only=True` and save what came out, which drops the rest.

    ## References
    * The STOP opcode: `Lib/pickletools.py`; `torch/serialization.py`, `_load` reads `data.pkl` with one `load()`
    """
    del context
    problems = problems_of(checkpoint, "second-pickle")
    if not problems or cut_or_sealed(checkpoint):
        return
    later = [pickle for pickle in checkpoint.pickles if pickle.role == "second"]
    named = list(dict.fromkeys(str(item) for pickle in later for item in pickle.globals))
    yield Hit(
        "another pickle follows the one that torch reads" + (f"; it names {listing(named)}" if named else ""),
        where=place(checkpoint, problems[0].member, problems[0].byte),
        fix="load it with weights_only=True and save the object again, which drops what follows",
        notes=seen(problems),
    )
