"""MDR331: a web framework and a package below it that fail together."""

from collections.abc import Iterator
from typing import Any

from modeldoctor.facts.skew import Environment, Package, Skew
from modeldoctor.findings import Confidence, Hit, Severity, Unjudged
from modeldoctor.predict import compat
from modeldoctor.predict.compat_host import python_minor
from modeldoctor.predict.versions import allows, public
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import beside, over, where
from modeldoctor.tables import table


@rule(
    Skew,
    code="MDR331",
    slug="framework-conflict",
    severity=Severity.ERROR,
    since="0.1",
    summary="the pinned Flask or FastAPI does not work with what gets installed below it",
)
def framework_conflict(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """An old Flask with today's Werkzeug, an old FastAPI with Pydantic 2: pinned on top, left open below.

    ## What it finds
    * Flask 1.0 to 2.2.3 whose Werkzeug is not kept below 3 (its METADATA sets no upper bound), and Flask 1.0 to 1.1.2
      whose Jinja2 is not kept below 3.1. Left open, pip installs the newest: an error.
    * Pins that exclude each other by METADATA: Flask 3 with Werkzeug 2, FastAPI 0.90 to 0.96 with Pydantic 2, FastAPI
      0.126 and later with Pydantic 1.

    Only versions are compared here; calls of a removed API (`before_first_request`, `on_event`) are found in the code
    by the 5xx rules.

    ## Why it matters
    The service does not start: the framework fails when it is imported. The pin on top looks like care, and the image
    was fine until it was rebuilt.

    ## Seen as
    * `ImportError: cannot import name 'url_quote' from 'werkzeug.urls'`
    * `ImportError: cannot import name 'escape' from 'jinja2'`
    * `ERROR: Cannot install fastapi==0.95.0 and pydantic==2.5.0 because these package versions have conflicting
      dependencies.`

    ## Fix
    ```text
    Flask==2.2.2
    Werkzeug<3
    ```

    or an upgrade: Flask 2.2.5 works with Werkzeug 3.

    ## References
    * `flask/app.py`, `flask/__init__.py` and METADATA of flask 1.0.4 to 3.1.2; METADATA of fastapi 0.96.1, 0.126.0
    * Fresh installs of flask 2.2.2 and 2.2.5
    """
    del context
    return over(skew, _check)


def _check(environment: Environment) -> Iterator[Hit | Unjudged]:
    left_open: dict[str, list[dict[str, Any]]] = {}
    for row in table("web")["needs"]:
        package, other = environment.packages.get(row["package"]), environment.packages.get(row["other"])
        if (
            package is None
            or not package.version
            or not package.certain
            or not allows(row["versions"], package.version)
        ):
            continue
        if any(pin.role == "locked" for pin in package.pins) and other is None:
            continue
        if other is not None and other.version:
            if not allows(row["works"], public(other.version)):
                yield _pinned(environment, row, package, other)
        elif not row["declared"] and not _limited(row, other):
            reaches = _reaches(environment, row["newest_needs_python"])
            if reaches is None:
                yield Unjudged(
                    f"which {row['other']} goes with {package.name} depends on the Python, which is not known"
                )
            elif reaches:
                left_open.setdefault(row["package"], []).append(row)
    for name, rows in left_open.items():
        yield _open(environment, rows, environment.packages[name])


def _reaches(environment: Environment, needed: str) -> bool | None:
    """Whether the Python is new enough for the release that breaks; what torch supports narrows an unknown one."""
    if environment.python.version:
        return allows(needed, python_minor(environment.python.version))
    torch = environment.torch
    found = compat.release(torch.version) if torch else None
    if found is None:
        return True
    fits = [allows(needed, text.rstrip("t")) for text in found.pythons]
    return True if all(fits) else None if any(fits) else False


def _limited(row: dict[str, Any], other: Package | None) -> bool:
    """Whether an open requirement keeps the newest away: no version beyond the bound satisfies it."""
    if other is None or not other.specifier:
        return False
    bound = row["works"].removeprefix("<")
    return not allows(other.specifier, f"{bound}.999" if bound.count(".") else f"{bound}.999.0")


def _pinned(environment: Environment, row: dict[str, Any], package: Package, other: Package) -> Hit:
    asks = "asks for" if row["declared"] else "works with"
    wanted = f"{row['other']}{row['works']}"
    framework = f"{package.name} {public(package.version)}"
    return Hit(
        f"{row['other']} {public(other.version)} is pinned, but {framework} {asks} {wanted}",
        where=where(environment, other),
        fix=f"write `{wanted}`",
        notes=(("seen as", row["error"]),),
        related=beside(package),
        key=f"{row['package']} {row['other']}",
    )


def _open(environment: Environment, rows: list[dict[str, Any]], package: Package) -> Hit:
    """Several packages below one framework are one finding: they are mended together."""
    others = " and ".join(row["other"] for row in rows)
    wanted = [f"{row['other']}{row['works']}" for row in rows]
    verb = "is" if len(rows) == 1 else "are"
    return Hit(
        f"{others} {verb} not limited, but {package.name} {public(package.version)} works with {' and '.join(wanted)}",
        where=where(environment, package),
        fix="write " + " and ".join(f"`{text}`" for text in wanted),
        notes=tuple(("seen as", row["error"]) for row in rows),
        confidence=Confidence.MEDIUM,
        key=rows[0]["package"],
    )
