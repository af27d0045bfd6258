import zipfile

from tests.rules.archives import mar, rezipped, sample
from tests.rules.builders import bad, edited, flags_set, good

CASES = [
    bad("cut", sample("zip_cut.mar"), "cannot unpack", "Unexpected end"),
    bad("cut tar", edited(sample("good_folder_around.tar.gz"), lambda data: data[:-30]), "cannot unpack"),
    bad(
        "bzip2 inside",
        rezipped(lambda packed: packed.writestr("x.txt", b"x" * 100, zipfile.ZIP_BZIP2)),
        "compression method",
    ),
    bad("encrypted", edited(mar(), lambda data: flags_set(data, 1)), "encrypted"),
    bad(
        "a flipped bit",
        edited(
            rezipped(lambda packed: packed.writestr("x.txt", b"some text")),
            lambda data: data.replace(b"some text", b"same text"),
        ),
        "checksum",
    ),
    good("whole", sample("good_echo.mar")),
]
