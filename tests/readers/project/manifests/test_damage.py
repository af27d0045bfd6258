"""Damaged manifests of every kind are read as far as they go: no exception, no endless loop."""

import random
import time

import pytest

from modeldoctor.readers.project.manifests import parse
from tests.readers.project.manifests import test_conda, test_locks, test_other_files, test_pyproject

DOCKERFILE = """ARG PY=3.10
FROM python:${PY} AS base
ENV A=1 B="x y"
RUN pip install torch==2.1.0 \\
    # note
    'numpy<2' && apt-get install -y python3.11
FROM base
COPY --from=base /opt/venv /opt/venv
RUN ["pip", "install", "flask"]
RUN <<EOF
uv pip install --torch-backend=auto -r requirements.txt
EOF
"""
REQUIREMENTS = "-r a.txt\n--extra-index-url https://x/whl/cu118\ntorch[x]==2.1.0+cu118 ; python_version < '3.9' --hash=sha256:a \\\n  --hash=sha256:b\n-e .\n"
SAMPLES = {
    "requirements": REQUIREMENTS,
    "dockerfile": DOCKERFILE,
    "shell": DOCKERFILE,
    "pyproject": test_pyproject.UV + test_pyproject.POETRY,
    "uv.lock": test_locks.UV,
    "poetry.lock": test_locks.POETRY,
    "pdm.lock": test_locks.PDM,
    "pylock": test_locks.PYLOCK,
    "pipfile.lock": test_locks.PIPFILE_LOCK,
    "pipfile": test_other_files.PIPFILE,
    "setup.py": test_other_files.SETUP_PY,
    "setup.cfg": test_other_files.SETUP_CFG,
    "conda": test_conda.ENVIRONMENT,
    "conda-lock": "package:\n- name: pytorch\n  version: 2.1.0\n  manager: conda\n",
    "python-version": "3.11.4\n",
    "tool-versions": "python 3.11.4\n",
    "mise": '[tools]\npython = "3.12"\n',
    "ci": "jobs:\n  t:\n    strategy:\n      matrix:\n        python-version: ['3.8']\n",
}
PIECES = [
    "",
    "\n",
    "'",
    '"',
    "[",
    "]",
    "{",
    "}",
    "\\",
    "=",
    "==",
    "<",
    "$",
    "${",
    "#",
    ",",
    ":",
    "&a ",
    "*a",
    "- ",
    "\t",
    "é",
    "\x00",
    "9" * 40,
]


@pytest.mark.parametrize("kind", SAMPLES)
def test_damage(kind: str) -> None:
    text = SAMPLES[kind]
    chance = random.Random(kind)
    for _ in range(150):
        damaged = text
        for _ in range(chance.randint(1, 4)):
            start = chance.randrange(len(damaged) + 1)
            end = min(len(damaged), start + chance.choice([0, 0, 1, 5, 40]))
            damaged = damaged[:start] + chance.choice(PIECES) + damaged[end:]
        manifest = parse(damaged, "x", kind)
        assert manifest.state in {"understood", "partly understood", "not understood"}


@pytest.mark.parametrize("kind", SAMPLES)
def test_cut_short(kind: str) -> None:
    text = SAMPLES[kind]
    for length in range(0, len(text), max(1, len(text) // 60)):
        parse(text[:length], "x", kind)


@pytest.mark.parametrize("kind", SAMPLES)
def test_nothing_and_noise(kind: str) -> None:
    for text in ("", "\n" * 1000, "\ufeff", "= = =", "\x7f\x1b[31m", "[[[[", "- - -", "a" * 30_000, "🙂\u2028x"):
        parse(text, "x", kind)


HOSTILE = {
    "requirements": [" " * 20_000 + "x" + " " * 20_000 + "#", "torch==" + " " * 3900 + "x;", "a" * 4_000_000, "#" * 1_000_000, "-r " * 50_000],
    "dockerfile": ["FROM a\nRUN x" + " " * 2_000_000 + "\\\n y", "FROM " + "a/" * 500_000, "FROM a\nRUN <<X\n" + "\n" * 500_000, "FROM a\nENV " + "A=1 " * 200_000],
    "shell": ["cat <<X\n" + "\n" * 500_000, "a" * 2_000_000, "'" * 100_001, "$(" * 100_000, "pip install " + "a " * 200_000],
    "pyproject": ["x = " + '"' * 100_001, "x = [" + '"a",' * 200_000 + "]", "[" + "a." * 200_000, "a" * 2_000_000, "x = '" + "\\" * 100_000],
    "conda": ["dependencies:\n- " + "a/" * 500_000, "dependencies:\n- pytorch" + " " * 500_000 + "x", "dependencies: &a\n" + "- *a\n" * 50_000],
    "uv.lock": ['[[package]]\nname = "a"\nversion = "1"\n' * 30_000],
    "setup.py": ["x = " + "1 + " * 20_000 + "1", "setup(install_requires=[" + "'a'," * 50_000 + "])"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "number"), [(kind, number) for kind, texts in HOSTILE.items() for number in range(len(texts))]
)
def test_hostile_text_takes_no_longer_than_its_length_says(kind: str, number: int) -> None:
    start = time.process_time()
    parse(HOSTILE[kind][number], "x", kind)
    assert time.process_time() - start < 4  # quadratic time would be minutes
