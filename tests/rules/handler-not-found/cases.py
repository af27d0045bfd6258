from tests.rules.archives import ECHO, NONE, mar, sample
from tests.rules.builders import bad, good

CASES = [
    bad("a typo", sample("handler_typo.mar"), "did you mean `handlers`?"),
    bad("in a folder", sample("handler_in_folder.mar"), "lies at `pkg/handler.py`"),
    bad(
        "a typo of the server's",
        mar({"handler.py": NONE}, handler="image_classifer"),
        "did you mean `image_classifier`?",
    ),
    bad("absent", mar({"handler.py": NONE}, handler="/home/dev/serve_it.py"), "needs `serve_it.py`"),
    bad("a module of Python", mar({"sys.py": ECHO}, handler="math"), "a module of Python"),
    good("folders do not count", mar(handler="pkg/handler.py")),
    good("no suffix", mar(handler="handler")),
    good("a dash", sample("good_dash.mar")),
    good("of the server", mar(handler="base_handler")),
]
