from tests.rules.builders import STATE, bad, checkpoint, good, problem

DENIED = checkpoint("unknown", state="unreadable", problems=[problem("unreadable", "Permission denied")])


def link(folder):
    path = folder / "model.pt"
    path.symlink_to(folder / "blobs" / "gone")
    return path


CASES = [
    bad("no permission", DENIED, "cannot be read: Permission denied", "ls -lL model.pt", severity="error"),
    bad("a link that points nowhere", link, "cannot be read"),
    good("a state_dict", STATE),
    good("damage is another matter", checkpoint(state="unreadable", problems=[problem("damaged")])),
]
