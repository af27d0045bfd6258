from tests.rules.archives import raw, sample
from tests.rules.builders import bad, good, renamed

CASES = [
    bad("a zip under another name", sample("zip_named_tar.tar.gz"), "read", "gzip'd tar", "name it `.mar`"),
    bad("a tar named mar", sample("tar_named_mar.mar"), "is gzip'd, not a zip archive"),
    bad(
        "an LFS pointer", raw(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"), "no zip archive"
    ),
    bad("bytes before it", sample("zip_with_bytes_before.mar"), "finds no member"),
    bad(
        "passed over at start-up", renamed(sample("good_folder_around.tar.gz"), "m.tgz"), "passes over", severity="info"
    ),
    good("a zip", sample("good_echo.mar")),
    good("a gzip'd tar", sample("good_folder_around.tar.gz")),
]
