"""MDR203: unpickling that calls what no list knows."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Confidence, Hit, Severity
from modeldoctor.rules.base import Context, place, rule
from modeldoctor.rules.pickle._acts import acts
from modeldoctor.rules.pickle._uses import unpickled
from modeldoctor.wording import count, listing, quoted

_SHOWN = 8


@rule(
    Checkpoint,
    code="MDR203",
    slug="unknown-call",
    severity=Severity.WARNING,
    confidence=Confidence.MEDIUM,
    since="0.1",
    summary="loading the file calls functions that are not known to be harmless",
)
def unknown_call(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The pickle calls functions of packages or projects which nobody has looked at: probably innocent, not known so.

    ## What it finds
    Calls of functions of installed packages and of project code, and of classes of torch, NumPy and the standard
    library, that are not on the list of what is known as harmless. Classes of packages and projects are not repeated
    here; `third-party-class` and `project-class` name them. What is known to be harmful is the matter of
    `dangerous-call`.

    ## Why it matters
    Unpickling runs these functions with arguments from the file. Most are reconstructors that some class of the package
    registered for itself: fastai learners, compiled modules, scikit-learn trees and quantised models all have some.
    They must exist under the same name where the file is loaded, and a stranger can call them with arguments of his
    own. For a file that you wrote yourself that is fine; for one from elsewhere it deserves a look.

    ## Seen as
    * `AttributeError: Can't get attribute '_unpickle_block' on <module 'pandas._libs.internals' from …>`
    * `TypeError: __pyx_unpickle_Tree() takes 3 positional arguments but 4 were given` (another release of the package)
    * `_pickle.UnpicklingError: Weights only load failed. … Unsupported global` (torch 2.6 and later)

    ## Fix
    Save a state_dict and plain values, which call nothing of the kind. If you know the functions, say so once:

    ```toml
    [tool.modeldoctor]
    trusted-globals = ["fastcore.*", "shop.nets.rebuild"]
    ```

    ## References
    * https://docs.python.org/3/library/pickle.html#object.__reduce__
    * https://pytorch.org/docs/stable/notes/serialization.html#weights-only
    """
    found = [act for act in acts(checkpoint, context) if act.level == "unclear"] if unpickled(checkpoint) else []
    if not found:
        return
    names = list(dict.fromkeys(act.full or act.text for act in found))
    yield Hit(
        f"loading calls {count(len(names), 'thing')} not known to be harmless: {listing(names)}",
        where=place(checkpoint, found[0].member, found[0].byte),
        fix="save a state_dict and plain values, or list what you know in `trusted-globals`",
        notes=(
            *(("calls", quoted(act.text) + (f": {act.words}" if act.words else "")) for act in found[:_SHOWN]),
            *((("calls", f"and {len(found) - _SHOWN:,} more"),) if len(found) > _SHOWN else ()),
        ),
        key=names[0],
        data={"names": names[:100]},
    )
