from tests.rules.builders import STATE, bad, checkpoint, good, named, pickled, saved

DTENSOR = named("torch.distributed.tensor.DTensor", "named", paths=("layers.0.weight",), position=40)


CASES = [
    bad(
        "DTensor",
        checkpoint(pickles=[pickled(DTENSOR)]),
        "tensors are DTensor objects",
        "`layers.0.weight`",
        "must be imported to load DTensors",
        "40",
        severity="warning",
    ),
    bad("the module of older releases", checkpoint(pickles=[pickled(named("torch.distributed._tensor.api.DTensor"))])),
    bad(
        "ShardedTensor",
        checkpoint(pickles=[pickled(named("torch.distributed._shard.sharded_tensor.api.ShardedTensor"))]),
        "Need to initialize default process group",
    ),
    good("a state_dict", STATE),
    good("a subclass of tensors", saved(lambda: {"w": __import__("torch").nn.Parameter(__import__("torch").ones(2))})),
    good("a class of that name elsewhere", checkpoint(pickles=[pickled(named("shop.DTensor"))])),
]
