"""MDR505: a client decides which file is loaded."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, call, chain, in_service, related

_EXECUTING = ("torch.load", "pickle.", "joblib.", "dill.", "cloudpickle.", "torch.hub")


@rule(
    Source,
    code="MDR505",
    slug="client-chosen-file",
    severity=Severity.ERROR,
    since="0.1",
    summary="a request decides which file or model name is loaded",
)
def client_chosen_file(source: Source, _: Context) -> Iterator[Hit]:
    """What a request carries ends up as the path or name that is loaded.

    ## What it finds
    Loads whose file name is made from a parameter that the framework fills from the request: a plain parameter of a
    FastAPI handler or dependency (which is a query parameter, also when it has a default), a part of the route, or
    `request.args`, `request.POST` and their kin. Followed through helpers. Not reported are numbers, enumerations and
    literals, names looked up in a table, and names that the code compares with what is allowed.

    ## Why it matters
    `?model_path=/srv/uploads/photo.png` makes the service open that file. With `weights_only=False`, with torch
    before 2.6, and with pickle or joblib, loading a file runs whatever code it holds: anybody who can also upload a
    file takes over the service. With names of a hub, the client chooses what is downloaded and how much memory it
    takes.

    ## Seen as
    * `GET /predict?model_path=/etc/hostname` in the access log, answered with `UnpicklingError`
    * a worker killed for memory after a request that names a model of 70 B parameters

    ## Fix
    Let clients choose from a table, never a path:

    ```python
    MODELS = {"small": "models/small.pt", "large": "models/large.pt"}

    def get_model(name: Literal["small", "large"] = "small"):
        return loaded[name]
    ```

    ## References
    * https://fastapi.tiangolo.com/tutorial/dependencies/
    * https://pytorch.org/docs/stable/generated/torch.load.html
    """
    for load in source.loads:
        if load.file.form != "client" or not in_service(load) or load.file.where is None:
            continue
        runs_code = load.loader.startswith(_EXECUTING) and load.weights_only != "True"
        what = " and can run code from that file" if runs_code else ""
        yield Hit(
            f"{load.file.source} decides what {call(load)} opens{what}",
            where=at(source, load.file.where),
            fix="take the name of a model from a table of known ones, and load those at start",
            related=(*chain(source, load.entry, load.chain), related(source, load.where, "it is loaded here")),
            key=f"{load.function} {load.file.source}",
        )
