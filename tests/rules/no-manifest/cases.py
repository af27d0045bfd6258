from tests.rules.archives import sample
from tests.rules.builders import bad, good

CASES = [
    bad("none", sample("manifest_absent.mar"), "has no `MAR-INF/MANIFEST.json`", "InvalidModelException"),
    bad("in a folder", sample("manifest_in_folder.mar"), "lies at `m/MAR-INF/MANIFEST.json`"),
    bad("in another case", sample("manifest_lower_case.mar"), "mar-inf/manifest.json"),
    bad("a tar without a folder", sample("tar_without_folder.tar.gz"), "cuts off the first folder"),
    good("where it belongs", sample("good_echo.mar")),
    good("a tar with a folder", sample("good_folder_around.tar.gz")),
]
