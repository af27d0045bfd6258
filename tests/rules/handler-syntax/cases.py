from tests.rules.archives import ECHO, handled, mar
from tests.rules.builders import bad, good

CASES = [
    bad("the handler", handled(b"def handle(data, context)\n    return data\n"), "SyntaxError", "cannot be compiled"),
    bad("what it imports", mar({"handler.py": b"import net\n" + ECHO, "net.py": b"x = = 1\n"}), "`net.py`"),
    good("elsewhere", mar({"notes.py": b"x = = 1\n"})),
]
