"""MDR515: a load that may run code."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, call, in_service, torch_load


@rule(
    Source,
    code="MDR515",
    slug="weights-only-false",
    severity=Severity.WARNING,
    since="0.1",
    summary="torch.load is told to run whatever code the file holds",
)
def weights_only_false(source: Source, _: Context) -> Iterator[Hit]:
    """`torch.load` is called with `weights_only=False`.

    ## What it finds
    `torch.load(…, weights_only=False)` in code that a service runs. When the file can be read and holds only tensors
    and plain values, the finding says that `True` works. When a client chooses the file, it is an error.

    ## Why it matters
    Such a load unpickles the file without limits: it imports modules and calls functions that the file names. Whoever
    can replace the file (in a bucket, on a hub, in a build, by an upload) runs code with the rights of the service,
    with its database passwords and cloud credentials. It is also what keeps a file that pickles a whole model alive,
    which breaks with every renamed module.

    ## Seen as
    * nothing at all, while the file is yours
    * `ModuleNotFoundError: No module named 'models'` after code was moved

    ## Fix
    Save the weights and load them with the restricted loader; name classes that are needed:

    ```python
    torch.save(model.state_dict(), "weights.pt")                               # once
    model.load_state_dict(torch.load("weights.pt", weights_only=True))          # in the service
    torch.serialization.add_safe_globals([Config])                              # for a class that you trust
    ```

    ## References
    * https://pytorch.org/docs/stable/notes/serialization.html#weights-only
    * https://docs.python.org/3/library/pickle.html
    """
    for load in source.loads:
        if load.weights_only != "False" or not torch_load(load) or not in_service(load):
            continue
        plain = load.checkpoint is not None and load.checkpoint.anatomy.contents == "state_dict"
        chosen = load.file.form == "client"
        yield Hit(
            f"{call(load)} with `weights_only=False` runs whatever code the file holds"
            + (", and a client chooses the file" if chosen else ""),
            where=at(source, load.where),
            severity=Severity.ERROR if chosen else None,
            fix="pass `weights_only=True`: the file holds only what it allows"
            if plain
            else "save the `state_dict()` alone, and load it with `weights_only=True`",
            key=f"{load.function} {load.loader}",
        )
