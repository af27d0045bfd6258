from tests.rules.builders import bad, good
from tests.rules.projects import skew

CASES = [
    bad(
        "an open Werkzeug",
        skew("flask==2.0.1\n"),
        "werkzeug is not limited",
        "url_quote",
        "werkzeug<3",
        severity="error",
    ),
    bad("a lower bound only", skew("flask==2.2.2\nwerkzeug>=2.0\n"), "werkzeug"),
    bad("Werkzeug 3 pinned", skew("flask==2.2.2\nwerkzeug==3.0.1\n"), "werkzeug 3.0.1 is pinned"),
    bad("an old Flask needs an old Jinja too", skew("flask==1.1.2\n"), "werkzeug and jinja2 are not limited"),
    bad("pins that exclude each other", skew("fastapi==0.95.0\npydantic==2.5.0\n"), "pydantic 2.5.0", "pydantic<2"),
    bad("FastAPI without Pydantic 1", skew("fastapi==0.130.0\npydantic==1.10.13\n"), "pydantic>=2.7.0"),
    bad("Flask 3 with Werkzeug 2", skew("flask==3.0.0\nwerkzeug==2.3.8\n"), "werkzeug>=3.0.0"),
    good("limited", skew("flask==2.0.1\nwerkzeug<3\n")),
    good("limited to a minor", skew("flask==2.0.1\nwerkzeug~=2.0.0\njinja2==3.0.3\n")),
    good("pinned below", skew("flask==2.2.2\nwerkzeug==2.2.2\n")),
    good("2.2.5 works", skew("flask==2.2.5\n")),
    good("1.1.4 limits it itself", skew("flask==1.1.4\n")),
    good("not pinned", skew("flask\nfastapi\n")),
    good("METADATA finds the right Pydantic", skew("fastapi==0.95.0\n")),
]
