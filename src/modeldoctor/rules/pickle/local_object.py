"""MDR207: names that exist only while a function runs."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.pickle._uses import at, unpickled, uses
from modeldoctor.wording import listing


@rule(
    Checkpoint,
    code="MDR207",
    slug="local-object",
    severity=Severity.ERROR,
    since="0.1",
    summary="the pickle names a lambda, or something defined inside a function",
)
def local_object(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The pickle asks for a lambda, or for a class or function that was defined inside another function.

    ## What it finds
    Globals with `<locals>` or `<lambda>` in their name, such as `train.build.<locals>.Block`.

    ## Why it matters
    An unpickler looks names up as attributes of a module. What a function defines is no attribute of any module, so
    such a name can never be found, in no environment. Python's own pickler refuses to write them; they come from
    picklers that don't look (`dill` with `byref=True`, hand-made `__reduce__` and `copyreg` functions), or from classes
    whose `__qualname__` was changed after the fact.

    ## Seen as
    * `AttributeError: Can't get attribute 'build.<locals>.Block' on <module 'train' from …>` (protocols 0 to 3)
    * `AttributeError: Can't pickle local attribute 'build.<locals>.Block' on <module 'train' from …>` (protocols 4 and
      5, Python up to 3.12)
    * `AttributeError: Can't get local attribute 'build.<locals>.Block' on <module 'train' from …>` (3.13 and later)

    ## Fix
    Define the class or function at the top level of a module, replace lambdas by named functions, and write the file
    again. When only the weights matter, save the state_dict: it names neither.

    ```python
    def scale(x):                      # was: self.scale = lambda x: x * 0.5
        return x * 0.5
    ```

    ## References
    * https://docs.python.org/3/library/pickle.html#what-can-be-pickled-and-unpickled
    * CPython, `Lib/pickle.py`, `_getattribute`
    """
    every = uses(checkpoint, context) if unpickled(checkpoint) else []
    found = [use for use in every if "<locals>" in use.name or "<lambda>" in use.name]
    if not found:
        return
    names = list(dict.fromkeys(use.full for use in found))
    yield Hit(
        f"the pickle names {listing(names)}, which no import can find",
        where=at(checkpoint, found[0].pickle, found[0].entry.position),
        fix="define it at the top level of a module, or save the state_dict instead of the object",
        notes=(("seen as", f"AttributeError: Can't get attribute {found[0].name!r} on <module {found[0].module!r}>"),),
        key=names[0],
        data={"names": names[:100]},
    )
