from modeldoctor.facts.checkpoint import Prefix
from tests.rules.builders import STATE, bad, checkpoint, good, saved, tensor


def keyed(*prefixes, contents="state_dict", **anatomy):
    found = tuple(Prefix(*prefix) for prefix in prefixes)
    name = f"{prefixes[0][0]}conv1.weight" if prefixes else "conv1.weight"
    return checkpoint(tensors=[tensor(name)], anatomy={"prefixes": found, "contents": contents, **anatomy})


def prefixed(prefix, keep=0):
    def build():
        import torch

        state = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)).state_dict()
        return {(key if number < keep else prefix + key): value for number, (key, value) in enumerate(state.items())}

    return build


CASES = [
    bad(
        "DataParallel",
        keyed(("module.", 267, 267)),
        "all 267 keys carry the prefix of a wrapper: `module.` (DataParallel or DistributedDataParallel)",
        'key.removeprefix("module.")',
        "`conv1.weight`, Unexpected key(s): `module.conv1.weight`",
        severity="warning",
    ),
    bad("some of them", keyed(("module.", 3, 10)), "3 of 10 keys", "two state_dicts may have been merged"),
    bad("two wrappers", keyed(("module.", 9, 9), ("_orig_mod.", 9, 9)), "torch.compile", '.replace("_orig_mod.", "")'),
    bad("Lightning", keyed(("model.", 9, 9), framework="lightning"), "LightningModule", severity="info"),
    bad("DDP by torch", saved(prefixed("module.")), "all 4 keys", "`0.weight`"),
    bad("half of it by torch", saved(prefixed("module.", keep=2)), "2 of 4 keys"),
    bad("compiled by torch", saved(prefixed("_orig_mod.")), "`_orig_mod.` (torch.compile)"),
    bad("FSDP by torch", saved(prefixed("_fsdp_wrapped_module.")), "FullyShardedDataParallel"),
    bad("inside a checkpoint", saved(lambda: {"epoch": 1, "state_dict": prefixed("module.")()}), '["state_dict"]'),
    good("a state_dict", STATE),
    good("transformers wants its prefix", keyed(("model.", 290, 291))),
    good("a whole module brings its names along", keyed(("module.", 9, 9), contents="module")),
    good("a part that is called module", saved(lambda: {"encoder.module.weight": __import__("torch").ones(2)})),
]
