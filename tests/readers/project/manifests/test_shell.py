import pytest

from modeldoctor.facts.pins import Flaw, Step
from modeldoctor.readers.project.manifests import installs, shell


def steps(text: str) -> tuple[list[Step], list[Flaw]]:
    flaws: list[Flaw] = []
    found = [step for command in shell.commands(text, 1, {}) for step in installs.steps(command, "x.sh", flaws)]
    return found, flaws


@pytest.mark.parametrize(
    ("text", "tool", "expected"),
    [
        ("pip install torch==2.1.0", "pip", ["torch==2.1.0"]),
        ("sudo -H pip3 install torch==2.1.0", None, []),
        ("sudo pip3 install torch==2.1.0", "pip", ["torch==2.1.0"]),
        ("/opt/venv/bin/pip3.10 install 'torch==2.1.0'", "pip", ["torch==2.1.0"]),
        ("python3 -m pip install -U -t /x torch==2.1.0", "pip", ["torch==2.1.0"]),
        ("uv pip install --system torch==2.1.0", "uv", ["torch==2.1.0"]),
        ("uv add torch==2.1.0", "uv", ["torch==2.1.0"]),
        ("poetry add torch==2.1.0", "poetry", ["torch==2.1.0"]),
        ("conda install -y -c pytorch pytorch==2.1.0", "conda", ["torch==2.1.0"]),
        ("micromamba create -n x -f env.yml pytorch=2.1.0", "conda", ["torch==2.1.0.*"]),
        ("conda run -n x pip install torch==2.1.0", "pip", ["torch==2.1.0"]),
        ("V=2.1.0; pip install torch==$V", "pip", ["torch==2.1.0"]),
        ('export V=2.1.0\npip install "torch==${V}"', "pip", ["torch==2.1.0"]),
        ("bash -c 'pip install torch==2.1.0'", "pip", ["torch==2.1.0"]),
        ("echo pip install torch", None, []),
        ("# pip install torch", None, []),
        ("pip install torch#egg", "pip", []),
        ("pip uninstall torch", None, []),
        ("apt-get install -y python3.11 curl", "apt", ["python==3.11.*"]),
        ("uv venv --python 3.12", "uv", ["python==3.12.*"]),
        ("pyenv global 3.9.7", "pyenv", ["python==3.9.7"]),
    ],
)  # fmt: skip
def test_commands(text: str, tool: str | None, expected: list[str]) -> None:
    found, _ = steps(text)
    assert [step.tool for step in found] == ([tool] if tool else [])
    assert [f"{pin.name}{pin.specifier}" for step in found for pin in step.pins] == expected


def test_options() -> None:
    (step,), _ = steps(
        "uv pip install -r a.txt -c b.txt --torch-backend=auto --no-deps --find-links https://x/whl/torch_stable.html -e .[gpu]"
    )
    assert [(include.target, include.constraints) for include in step.includes] == [("a.txt", False), ("b.txt", True)]
    assert step.option("torch-backend") == "auto"
    assert step.option("no-deps") == "no-deps"
    assert step.indexes[0].role == "find-links"
    assert step.project == ".[gpu]"


def test_an_unquoted_comparison_is_a_redirection() -> None:
    (step,), flaws = steps("pip install torch>=2.0 flask")
    assert [(pin.name, pin.specifier) for pin in step.pins] == [("torch", ""), ("flask", "")]
    assert [(flaw.kind, flaw.fatal) for flaw in flaws] == [("option", False)]
    _, flaws = steps("pip install torch<2.0")
    assert flaws[0].fatal


def test_other_redirections_are_none_of_our_business() -> None:
    _, flaws = steps("pip install torch==2.1.0 > log.txt 2>&1 < /dev/null")
    assert flaws == []


def test_lines_and_here_documents() -> None:
    found, _ = steps(
        "pip install \\\n  torch==2.1.0 \\\n  numpy\ncat <<EOF > x\npip install hidden\nEOF\npip install flask"
    )
    assert [(pin.name, pin.line) for step in found for pin in step.pins] == [("torch", 2), ("numpy", 3), ("flask", 7)]
