"""File names that try to write on the terminal, or cannot be written at all."""

import sys

NAMES = [
    "[bold red]markup[bold].pt",
    "[link=x]y[link].pt",
    "\u202etp.exe.pt",
    "é" * 100 + ".pt",
    "100%.pt",
    "{0}.pt",
    "%s%n.pt",
    "-rf.pt",
    " .pt",
    ".pt",
]
if sys.platform != "win32":
    NAMES += [
        "\x1b[2J\x1b]0;owned\x07.pt",
        "line\nbreak\r.pt",
        "::error file=x::injected\n.pt",
        "<script>alert(1)<script>.pt",
        "quotes\"'`.pt",
        "back\\slash.pt",
        "*?[a].pt",
        "\udcff\udcfe.pt",  # bytes that are no UTF-8
        "\t.pt",
        "n" * 240 + ".pt",
    ]
