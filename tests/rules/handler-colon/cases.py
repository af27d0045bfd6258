from tests.rules.archives import handled, mar, sample
from tests.rules.builders import bad, good

CASES = [
    bad("a class", sample("handler_colon_class.mar"), "names a class", "takes 1 positional argument but 3 were given"),
    bad("nothing", sample("handler_colon_nothing.mar"), "has no `entry`", severity="warning"),
    bad("a class called handle", handled(b"class handle:\n    pass\n"), "takes for a function"),
    bad(
        "on another release",
        mar(handler="handler:Echo", dockerfile="FROM pytorch/torchserve:0.9.0-cpu\n"),
        "this server has 0.9.0",
    ),
    good(
        "a function", handled(b"def entry(data, context):\n    return data and list(data)\n", handler="handler:entry")
    ),
]
