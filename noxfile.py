"""Development sessions, each in its own environment: `nox -l` lists them."""

import nox

nox.needs_version = ">=2024.4.15"
nox.options.sessions = ["tests", "lint", "types"]
nox.options.reuse_existing_virtualenvs = True

PROJECT = nox.project.load_toml("pyproject.toml")


def install_group(session: nox.Session, *groups: str) -> None:
    """Install dependency groups with plain pip, which knows them only from 25.1 on."""
    for group in groups:
        session.install(*nox.project.dependency_groups(PROJECT, group))


@nox.session(python="3.11")
def tests(session: nox.Session) -> None:
    """The default tests, in parallel."""
    install_group(session, "test")
    session.install(".")
    session.run("pytest", "-n", "auto", "-m", "not heavy", *session.posargs)


@nox.session(python="3.11")
def heavy(session: nox.Session) -> None:
    """The tests that take more than a few seconds each."""
    install_group(session, "test")
    session.install(".")
    session.run("pytest", "-n", "auto", "-m", "heavy", *session.posargs)


@nox.session(python="3.11")
def lint(session: nox.Session) -> None:
    """Style, the walls between the stages, and whether the pages of the rules are up to date."""
    install_group(session, "lint")
    session.install(".")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")
    session.run("python", "scripts/write_rule_pages.py", "--check")


@nox.session(python="3.11")
def types(session: nox.Session) -> None:
    """Static types."""
    install_group(session, "types")
    session.install(".")
    session.run("mypy")


@nox.session(python="3.11")
def accuracy(session: nox.Session) -> None:
    """Predictions against reality: `nox -s accuracy -- --lab DIR`."""
    install_group(session, "test")
    session.install(".")
    session.run("python", "benchmarks/accuracy/anatomy.py", *session.posargs)
    session.run("python", "benchmarks/accuracy/version_lab.py", *session.posargs)


@nox.session(python="3.11")
def bench(session: nox.Session) -> None:
    """Speed and memory against peers, as ratios in one run: `nox -s bench -- --inputs DIR`."""
    session.install("numpy", "safetensors", "torch==2.13.0", ".")
    session.run("python", "benchmarks/speed.py", *session.posargs)


@nox.session(python="3.11")
def fuzz(session: nox.Session) -> None:
    """Mutated model files: `nox -s fuzz -- --seconds 900`."""
    install_group(session, "test")
    session.install(".")
    session.run("python", "benchmarks/fuzz/fuzz.py", *session.posargs)


@nox.session(python="3.11")
def docs(session: nox.Session) -> None:
    """Write the rule pages; `-- --check` fails if they are out of date."""
    session.install(".")
    session.run("python", "scripts/write_rule_pages.py", *session.posargs)


@nox.session(python="3.11")
def tables(session: nox.Session) -> None:
    """Hold the version tables against their facts and against the registry, and name the releases they lack."""
    session.install(".")
    session.run("python", "scripts/build_compat_tables.py", "--check")
    session.run("python", "scripts/compare_tables.py")


def _torchserve(session: nox.Session) -> None:
    """The last TorchServe with the torch that the predictions are held against; its wheels ask for neither."""
    install_group(session, "test")
    session.install("--no-deps", "torchserve==0.12.0")
    session.install("pyyaml", "psutil", "packaging", "pillow", "wheel", "numpy", "enum-compat", ".")


@nox.session(python="3.11")
def torchserve(session: nox.Session) -> None:
    """Predictions for archives against TorchServe's own Python loader (three minutes; executes the sample archives)."""
    _torchserve(session)
    session.env["MODELDOCTOR_TORCHSERVE"] = f"{session.bin}/python"
    session.run("pytest", "tests/oracle", "-m", "heavy or not heavy", *session.posargs)


@nox.session(python="3.11")
def torchserve_server(session: nox.Session) -> None:
    """The same against the real server on 127.0.0.1 (ten minutes; needs Java 17 on PATH)."""
    _torchserve(session)
    session.env |= {"MODELDOCTOR_TORCHSERVE": f"{session.bin}/python", "MODELDOCTOR_TORCHSERVE_SERVER": "1"}
    session.run("pytest", "tests/oracle", "-m", "heavy or not heavy", "-k", "server_agrees", *session.posargs)
