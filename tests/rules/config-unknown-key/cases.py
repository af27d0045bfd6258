from tests.rules.archives import configured, sample
from tests.rules.builders import bad, good

CASES = [
    bad("snake case", configured("batch_size: 8\n"), "did you mean `batchSize`?"),
    bad("case", configured("maxworkers: 8\n"), "did you mean `maxWorkers`?"),
    good("of the handler", sample("good_config_read_by_handler.mar")),
    good("nothing like it", configured("temperature: 0.5\npt2: {}\n")),
]
