import os

from modeldoctor.facts.pins import Requirements
from modeldoctor.readers.project import read_project
from tests.readers.project.texts import project


def told(found: Requirements) -> list[tuple[str, str, list[str]]]:
    return [
        (item.name, item.kind, [f"{pin.name}{pin.specifier}" for step in item.steps for pin in step.pins])
        for item in found.installations
    ]


def test_a_container_takes_the_files_it_installs() -> None:
    found = project(**{
        "Dockerfile": "FROM python:3.12-slim\nCOPY app/requirements.txt /srv/\nRUN pip install -r /srv/requirements.txt\n",
        "app/requirements.txt": "-r base.txt\ntorch==2.1.0\n-c limits.txt\n",
        "app/base.txt": "flask\n",
        "app/limits.txt": "numpy<2\n",
        "requirements-dev.txt": "pytest\n",
    })  # fmt: skip
    assert told(found) == [
        ("Dockerfile", "dockerfile", ["torch==2.1.0", "flask", "numpy<2"]),
        ("requirements-dev.txt", "requirements", ["pytest"]),
    ]
    pins = found.main.steps[0].pins
    assert [(pin.place, pin.role) for pin in pins] == [
        ("app/requirements.txt:2", "requirement"),
        ("app/base.txt:1", "requirement"),
        ("app/limits.txt:1", "constraint"),
    ]
    assert found.main.pythons[0].specifier == "==3.12.*"
    assert found.main.files == ("Dockerfile", "app/requirements.txt", "app/base.txt", "app/limits.txt")


def test_a_requirement_file_that_another_includes_is_not_judged_twice() -> None:
    found = project(**{
        "requirements/base.txt": "torch==2.1.0\n",
        "requirements/prod.txt": "-r base.txt\nflask\n",
    })  # fmt: skip
    assert told(found) == [("requirements/prod.txt", "requirements", ["flask", "torch==2.1.0"])]


def test_an_include_loop_is_a_flaw() -> None:
    found = project(
        **{
            "requirements.txt": "-r more-requirements.txt\ntorch\n",
            "more-requirements.txt": "-r requirements.txt\nflask\n",
        }
    )
    assert [(flaw.kind, flaw.path, flaw.line) for flaw in found.flaws] == [
        ("loop", "more-requirements.txt", 1),
    ]


def test_a_file_that_is_included_twice_is_no_loop() -> None:
    found = project(**{
        "requirements.txt": "-r a-requirements.txt\n-r b-requirements.txt\n",
        "a-requirements.txt": "-r c-requirements.txt\n",
        "b-requirements.txt": "-r c-requirements.txt\n",
        "c-requirements.txt": "torch==2.1.0\n",
    })  # fmt: skip
    assert found.flaws == ()
    assert told(found) == [("requirements.txt", "requirements", ["torch==2.1.0"])]


def test_a_missing_include_is_a_flaw() -> None:
    (flaw,) = project(requirements="torch\n-r nowhere.txt\n").flaws
    assert (flaw.kind, flaw.line, flaw.fatal) == ("missing", 2, True)
    assert project(docker="FROM python:3.12\nRUN pip install -r /tmp/made-here.txt\n").flaws == ()


def test_a_lock_stands_for_its_manifest() -> None:
    lock = 'requires-python = ">=3.11"\n[[package]]\nname = "torch"\nversion = "2.6.0"\n'
    toml = '[project]\nrequires-python = ">=3.11"\ndependencies = ["torch>=2"]\n'
    found = project(**{"uv.lock": lock, "pyproject.toml": toml, ".python-version": "3.12\n"})
    assert [(item.name, item.kind) for item in found.installations] == [("uv.lock", "lock")]
    assert [pin.specifier for pin in found.main.pythons] == [">=3.11", "==3.12.*", ">=3.11"]
    found = project(
        **{"uv.lock": lock, "pyproject.toml": toml, "Dockerfile": "FROM python:3.12\nRUN uv sync --frozen\n"}
    )
    assert [item.name for item in found.installations] == ["Dockerfile"]
    assert [pin.version for pin in found.main.pins("torch")] == ["2.6.0"]


def test_extras_that_name_torch_are_environments_of_their_own() -> None:
    toml = '[project]\ndependencies = ["flask"]\n[project.optional-dependencies]\ncpu = ["torch==2.6.0"]\ngpu = ["torch==2.7.0"]\n'
    assert [name for name, _, _ in told(project(toml=toml))] == [
        "pyproject.toml[cpu]",
        "pyproject.toml[gpu]",
        "pyproject.toml",
    ]


def test_pip_install_of_the_project_itself() -> None:
    found = project(
        toml='[project]\ndependencies = ["torch==2.1.0"]\n[project.optional-dependencies]\nserve = ["flask"]\ntest = ["pytest"]\n',
        docker="FROM python:3.10\nRUN pip install .[serve]\n",
    )
    assert told(found)[0] == ("Dockerfile", "dockerfile", ["torch==2.1.0", "flask"])


def test_what_serves_comes_first() -> None:
    found = project(**{
        "train/requirements.txt": "torch==1.0\n",
        "requirements.txt": "torch==2.1.0\n",
        "docs/Dockerfile": "FROM python:3.9\nRUN pip install torch==1.1.0\n",
        "web/Dockerfile": "FROM node:20\n",
        "environment.yml": "dependencies:\n- pytorch=2.0\n",
    })  # fmt: skip
    assert found.main.name == "environment.yml"
    found = project(**{"requirements.txt": "flask\n", "service/requirements.txt": "torch==2.1.0\n"})
    assert found.main.name == "service/requirements.txt"


def test_a_folder_on_disk(tmp_path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "requirements.txt").write_text("torch==2.1.0\n")
    for skipped in (".venv/lib", "node_modules/x", ".git", "env2/lib"):
        folder = tmp_path / skipped
        folder.mkdir(parents=True)
        (folder / "requirements.txt").write_text("torch==1.0.0\n")
    (tmp_path / "env2" / "pyvenv.cfg").write_text("")
    os.symlink(tmp_path, tmp_path / "app" / "loop")
    found = read_project(str(tmp_path), "shown")
    assert [item.name for item in found.installations] == ["shown/app/requirements.txt"]


def test_one_manifest_with_what_it_includes(tmp_path) -> None:
    (tmp_path / "base.txt").write_text("torch==2.1.0\n")
    (tmp_path / "requirements.txt").write_text("-r base.txt\nflask\n")
    (tmp_path / "requirements-other.txt").write_text("torch==1.0\n")
    found = read_project(str(tmp_path / "requirements.txt"), "requirements.txt")
    assert told(found) == [("requirements.txt", "requirements", ["flask", "torch==2.1.0"])]
    assert found.main.pins("torch")[0].place == "base.txt:1"


def test_an_empty_folder_and_an_unreadable_manifest(tmp_path) -> None:
    assert read_project(str(tmp_path), "x").installations == ()
    os.mkfifo(tmp_path / "requirements.txt")
    assert read_project(str(tmp_path), "x").manifests == ()
