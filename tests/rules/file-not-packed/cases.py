from tests.rules.archives import ECHO, NET, OWN, handled, mar, sample, weights
from tests.rules.builders import bad, good

CASES = [
    bad(
        "another name",
        mar(
            {
                "handler.py": OWN.replace(b'context.manifest["model"]["serializedFile"]', b'"my_model.pt"'),
                "model.py": NET,
                "model.pth": weights(),
            }
        ),
        "`my_model.pt`",
        "there is `model.pth`",
    ),
    bad(
        "outside",
        handled(ECHO.replace(b"self.ready = True", b"open('/srv/labels.txt')")),
        "outside the archive",
        severity="info",
    ),
    good("relative", mar({"handler.py": ECHO.replace(b"self.ready = True", b"open('labels.txt')"), "labels.txt": b""})),
    good("optional", sample("good_optional_file.mar")),
    good("written", handled(ECHO.replace(b"self.ready = True", b"open('out.txt', 'w')"))),
]
