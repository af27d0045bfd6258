from modeldoctor.facts.environment import Installed, Target, Value
from modeldoctor.predict.target import Decided, resolve_target
from tests.readers.project.texts import project

VENV = Installed("/env", "venv", "3.10.7", "2.3.1+cu121", "12.1", (("numpy", "1.26.4"), ("torch", "2.3.1")))
OTHER = Installed("/other/bin/python", "interpreter", "3.9.1", "2.0.1+cpu", "cpu", (("torch", "2.0.1"),))


def texts(decided: Decided) -> dict[str, tuple[str, str]]:
    return {item.name: (item.value.text, item.value.source) for item in decided.decisions if item.value}


def given(**values: str) -> Target:
    return Target(**{name: Value(text, f"--{name}") for name, text in values.items()})


def test_pins_and_image_of_the_project() -> None:
    found = project(
        docker="FROM python:3.12-slim\nRUN pip install -r requirements.txt\n",
        requirements="torch==2.6.0\nnumpy==2.2.0\n",
    )
    assert texts(resolve_target(Target(), found)) == {
        "torch": ("2.6.0", "requirements.txt:1"),
        "python": ("3.12", "Dockerfile:1"),
        "numpy": ("2.2.0", "requirements.txt:2"),
        "cuda": ("12.4", "requirements.txt:1"),
    }


def test_flags_come_first_and_what_they_overrule_is_shown() -> None:
    decided = resolve_target(given(torch="2.7.0", python="3.11"), project(requirements="torch==2.6.0\n"), None, VENV)
    assert decided.target.torch.text == "2.7.0"
    assert decided.target.cuda.text == "12.6"
    torch = next(item for item in decided.decisions if item.name == "torch")
    assert [(value.text, value.source) for value in torch.others] == [("2.6.0", "requirements.txt:1")]


def test_exact_pins_beat_an_interpreter_and_open_ones_are_filled_from_it() -> None:
    pinned = resolve_target(Target(), project(requirements="torch==2.6.0\n"), OTHER, VENV)
    assert (pinned.target.torch.text, pinned.target.cuda.text, pinned.target.python.text) == ("2.6.0", "12.4", "3.9.1")
    left_open = resolve_target(Target(), project(requirements="torch>=2.1\n"), OTHER, VENV)
    assert texts(left_open)["torch"] == ("2.3.1", "/env")
    assert left_open.target.cuda.text == "12.1"
    newest = resolve_target(Target(), project(requirements="torch>=2.4\n"), OTHER, VENV)
    assert newest.target.torch.source == "requirements.txt:1"
    assert "the newest that fits today" in newest.target.torch.why
    assert newest.target.cuda.text == "13.2"


def test_without_a_project() -> None:
    assert texts(resolve_target(Target(), None, OTHER, VENV))["torch"] == ("2.0.1", "/other/bin/python")
    assert texts(resolve_target(Target(), None, None, VENV))["torch"] == ("2.3.1", "/env")
    nothing = resolve_target(Target())
    assert nothing.target == Target()
    assert all(item.reason for item in nothing.decisions)


def test_the_cuda_of_another_torch_is_not_mixed_in() -> None:
    found = project(conda="dependencies:\n- pytorch==2.1.0\n")
    decided = resolve_target(Target(), found, None, VENV)
    assert decided.target.torch.text == "2.1.0"
    assert decided.target.cuda is None


def test_a_backend_chosen_at_install_time_is_unknown() -> None:
    toml = '[project]\ndependencies = ["torch==2.6.0"]\n[tool.uv.pip]\ntorch-backend = "auto"\n'
    decided = resolve_target(Target(), project(toml=toml))
    assert decided.target.torch.text == "2.6.0"
    assert decided.target.cuda is None


def test_gpus_and_driver_are_only_what_the_user_says() -> None:
    target = Target(gpus=(Value("t4", "--gpu"),), driver=Value("535", "--driver"))
    decided = resolve_target(target, project(requirements="torch==2.6.0\n"))
    assert decided.target.gpus == target.gpus
    assert texts(decided)["driver"] == ("535", "--driver")
    nothing = resolve_target(Target(), project(requirements="torch==2.6.0\n")).decisions
    assert [(item.name, item.reason) for item in nothing if item.name in {"driver", "gpu"}] == [
        ("driver", "no `--driver` was given"),
        ("gpu", "no `--gpu` was given"),
    ]


def test_a_bound_gpu_decides_on_the_machine() -> None:
    target = Target(gpus=(Value("gh200", "--gpu"),))
    decided = resolve_target(target, project(requirements="torch==2.6.0\n"))
    assert decided.environment.machine == "aarch64"
    assert decided.target.cuda.text == "cpu"  # the default wheel for aarch64 before 2.11


def test_the_build_platform_of_an_image() -> None:
    decided = resolve_target(
        Target(), project(docker="FROM --platform=linux/arm64 python:3.12\nRUN pip install torch==2.11.0\n")
    )
    assert texts(decided)["platform"] == ("linux aarch64", "Dockerfile:1")
    assert decided.target.cuda.text == "13.0"
