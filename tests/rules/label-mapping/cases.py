from tests.rules.archives import eager, mar, sample
from tests.rules.builders import bad, good

CASES = [
    bad("a comma", eager({"index_to_name.json": '{"0": "cat",}'}), "not JSON"),
    bad("a list", eager({"index_to_name.json": '["cat"]'}), "must be an object"),
    bad("numbers", sample("labels_numbers.mar"), "neither a text nor a list"),
    good("lists", sample("labels_lists.mar")),
    good("old form", eager({"index_to_name.json": '{"object_type_names": ["a"]}'})),
    good("not the stock one", mar({"index_to_name.json": "["})),
]
