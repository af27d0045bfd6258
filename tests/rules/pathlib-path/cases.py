from tests.rules.builders import STATE, bad, checkpoint, good, named, pickled


def paths(*names, **fields):
    return checkpoint(pickles=[pickled(*(named(name, "called", paths=("args.save_dir",)) for name in names))], **fields)


CASES = [
    bad(
        "written on Linux",
        paths("pathlib.PosixPath"),
        "`pathlib.PosixPath`",
        "unreadable on Windows",
        "at: `args.save_dir`",
        severity="info",
    ),
    bad(
        "for Windows", paths("pathlib.PosixPath"), "cannot instantiate 'PosixPath'", severity="error", platform="win32"
    ),
    bad("written on Windows", paths("pathlib.WindowsPath"), "unreadable elsewhere", severity="warning"),
    bad("for Linux", paths("pathlib.WindowsPath"), severity="error", platform="linux"),
    bad(
        "written by Python 3.13",
        paths("pathlib._local.PosixPath"),
        "unreadable in 3.12 and older",
        "No module named 'pathlib._local'",
        severity="warning",
    ),
    bad(
        "for an older Python",
        paths("pathlib._local.PurePath"),
        "unreadable in Python 3.11",
        severity="error",
        python="3.11",
    ),
    bad("the worst of several", paths("pathlib.PosixPath", "pathlib.WindowsPath"), "`pathlib.WindowsPath`"),
    good("on the system that wrote it", paths("pathlib.PosixPath"), platform="linux"),
    good("on Windows", paths("pathlib.WindowsPath"), platform="windows"),
    good("for Python 3.13 on Linux", paths("pathlib._local.PosixPath"), python="3.13.1", platform="linux"),
    good("pure paths, before 3.13", paths("pathlib.PurePosixPath")),
    good("texts", STATE),
]
