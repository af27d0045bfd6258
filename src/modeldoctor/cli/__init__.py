"""The command line: one file per command, options in, `Config` out."""


def main() -> None:
    """The `modeldoctor` command."""
    raise NotImplementedError
