"""Whether a module that loads also runs: attributes that the release reads in `forward` and the pickle does not have.

A pickled module is its `__dict__` under another release's class. What a class gained since is missing in it, unless
the class has a `__setstate__` that adds it. `facts/torch_sources.json` lists what each release's classes read in any
case and do not provide.
"""

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.predict.load.failures import Failure, unknown
from modeldoctor.predict.load.releases import within
from modeldoctor.predict.load.unpickle import Host
from modeldoctor.tables import table


def forward_fails(checkpoint: Checkpoint, host: Host) -> Failure | None:
    """Why the forward pass of the pickled module fails; None when nothing of torch's own is missing."""
    main = checkpoint.main_pickle
    if main is None or not _is_module(checkpoint):
        return unknown("whether there is anything to run: the file holds no module")
    if any(kind == "call" and name in {"?", "types CodeType"} for kind, name, *_ in main.events):
        return unknown("whether pickled bytecode runs under this Python")
    needed = table("torch_loading")["attributes"]
    for instance in main.instances:
        for attribute, span in needed.get(f"{instance.module}.{instance.name}", {}).items():
            if attribute not in instance.attributes and within(span, host.column.key):
                text = f"'{instance.name}' object has no attribute '{attribute}'"
                return Failure(
                    "forward_fails", "AttributeError", text, f"{instance.module}.{instance.name}.{attribute}"
                )
    return None


def _is_module(checkpoint: Checkpoint) -> bool:
    main = checkpoint.main_pickle
    return checkpoint.format == "torchscript" or bool(
        main and any("_modules" in instance.attributes for instance in main.instances)
    )
