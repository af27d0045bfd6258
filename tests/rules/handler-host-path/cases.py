from tests.rules.archives import mar
from tests.rules.builders import bad, good

CASES = [
    bad("absolute", mar(handler="/home/dev/handler.py"), "a path of another machine", severity="info"),
    good("bare", mar()),
]
