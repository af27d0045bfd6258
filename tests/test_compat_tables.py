import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modeldoctor.predict import compat
from modeldoctor.predict.compat_gpu import code_of
from modeldoctor.predict.versions import specifiers, version
from modeldoctor.tables import table

ROOT = Path(__file__).parent.parent
NAMES = ("compat", "gpus", "containers", "ecosystem", "web")


@pytest.mark.skipif(not (ROOT / "facts").is_dir(), reason="the facts are not part of a source distribution")
def test_the_tables_are_what_the_facts_say() -> None:
    script = ROOT / "scripts" / "build_compat_tables.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not (ROOT / "facts").is_dir(), reason="the facts are not part of a source distribution")
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version: 2.13.0", "version: 2.13.x", "Invalid version"),
        ("newest_torch: 2.15.0", "newest_torch: 2.14.1", "newest"),
        ("cuda: [cu118, cu121, cu124]", "cuda: [cu118, cuda121]", "no variant"),
        ("torch: ==2.1.0,", "torch: =2.1.0,", "Invalid specifier"),
    ],
)
def test_a_wrong_fact_is_refused(tmp_path, old: str, new: str, message: str) -> None:
    for name in NAMES:
        text = (ROOT / "facts" / f"{name}.yaml").read_text(encoding="utf-8")
        (tmp_path / f"{name}.yaml").write_text(text.replace(old, new) if name == "compat" else text, encoding="utf-8")
    script = ROOT / "scripts" / "build_compat_tables.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check", "--facts", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert message in done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_every_table_is_dated_and_quick(name: str) -> None:
    path = ROOT / "src" / "modeldoctor" / "tables" / f"{name}.json"
    start = time.perf_counter()
    content = json.loads(path.read_bytes())
    assert time.perf_counter() - start < 0.05  # a millisecond as a rule; the machine may be busy
    assert content["as_of"] == "2026-11-20"


def test_releases_are_in_order_and_have_their_default_build() -> None:
    releases = compat.releases()
    assert [found.version for found in releases] == sorted((found.version for found in releases), key=version)
    for found in releases:
        variant = compat.variant_of_cuda(found.cuda)
        if compat.variants(found.version):
            assert compat.has_variant(found.version, variant) is not False, found.version
        if version(found.version) >= version("1.6.0"):
            assert code_of(found.version, variant), found.version


def test_every_release_since_1_5_has_its_companions() -> None:
    for found in compat.releases():
        if version(found.version) >= version("1.5.0"):
            assert compat.fitting("torchvision", found.version), found.version
            assert compat.fitting("torchaudio", found.version), found.version


def test_every_requirement_is_valid() -> None:
    ecosystem = table("ecosystem")
    for package in [*table("compat")["companions"], *ecosystem["exact"], *ecosystem["floor"]]:
        for text in compat.known_versions(package):
            assert specifiers(compat.asks(package, text)) is not None
            assert specifiers(compat.asks_python(package, text)) is not None
