"""MDR204: names of the script or notebook that wrote the file."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.pickle._uses import at, unpickled, uses
from modeldoctor.wording import listing


@rule(
    Checkpoint,
    code="MDR204",
    slug="main-class",
    severity=Severity.ERROR,
    since="0.1",
    summary="the pickle needs a class of the script or notebook that wrote it (`__main__`)",
)
def main_class(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The file was written by a script or notebook that defined the class itself, and asks for it in `__main__`.

    ## What it finds
    Globals of the modules `__main__` and `__mp_main__` in the pickle. A name that a pickle asks for there is looked up
    in whatever program happens to load it.

    ## Why it matters
    In the script that trained the model `__main__` is that script. In a service it is gunicorn, uvicorn, celery, the
    TorchServe worker or `manage.py`, none of which has the class, so loading fails in every process. It works when you
    try it by hand, because your test script imports or defines the class at its top level, and fails when deployed.

    ## Seen as
    * `AttributeError: Can't get attribute 'Net' on <module '__main__' from '/srv/venv/bin/gunicorn'>`
    * `AttributeError: Can't get attribute 'Net' on <module '__main__' (built-in)>` (interactive, or an embedded Python)
    * `AttributeError: module '__main__' has no attribute 'Net'`

    ## Fix
    Move the class into a module, and save the weights instead of the object:

    ```python
    from shop.nets import Net                # was defined in train.py or in the notebook
    model = torch.load("model.pt", weights_only=False)   # in the program that can still load it
    torch.save(model.state_dict(), "weights.pt")
    ```

    If the file cannot be written again, the service can put the class where the pickle looks for it, before loading:

    ```python
    import __main__
    __main__.Net = Net
    ```

    ## References
    * https://docs.python.org/3/library/pickle.html#what-can-be-pickled-and-unpickled
    * https://github.com/pytorch/pytorch/issues/3678
    """
    every = uses(checkpoint, context) if unpickled(checkpoint) else []
    found = [use for use in every if use.origin.owner == "main" and use.judgement.kind != "code"]
    if not found:
        return
    names = list(dict.fromkeys(use.name for use in found))
    yield Hit(
        f"loading needs {listing(names)} in `__main__`, the program that loads the file",
        where=at(checkpoint, found[0].pickle, found[0].entry.position),
        fix="define it in a module that the service imports, and save the state_dict instead of the object",
        notes=(
            ("why", "it was defined in the script or notebook that wrote the file; a server's `__main__` is gunicorn"),
            ("seen as", f"AttributeError: Can't get attribute {names[0]!r} on <module '__main__' from '…/gunicorn'>"),
        ),
        key=names[0],
        data={"names": names[:100]},
    )
