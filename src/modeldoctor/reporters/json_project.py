"""A project's facts as JSON: a public format of its own, not a dump of what the readers happen to hold."""

from typing import Any

from modeldoctor.facts.skew import Environment, Package, Skew
from modeldoctor.facts.source import ModelLoad, Source, Span


def facts(of: Any) -> dict[str, Any] | None:
    """The facts of a project or of its source; None for facts of another kind."""
    if isinstance(of, Skew):
        return {
            "environments": [_environment(environment) for environment in of.environments],
            "decisions": [
                {
                    "name": decision.name,
                    "value": decision.value.text if decision.value else None,
                    "source": decision.value.source if decision.value else None,
                    "why": (decision.value.why if decision.value else decision.reason) or None,
                    "others": [{"value": other.text, "source": other.source} for other in decision.others],
                }
                for decision in of.decisions
            ],
            "manifests": [
                {"path": manifest.path, "kind": manifest.kind, "state": manifest.state}
                for manifest in of.requirements.manifests
            ],
            "tables_age_days": of.tables_age_days,
        }
    if isinstance(of, Source):
        return {
            "files": of.files,
            "frameworks": list(of.frameworks),
            "entry_points": of.entries,
            "loads": [_load(load) for load in of.loads],
        }
    return None


def _environment(environment: Environment) -> dict[str, Any]:
    image = environment.installation.image
    names = ("torch", "torchvision", "torchaudio", "numpy")
    packages = [environment.packages[name] for name in names if name in environment.packages]
    return {
        "name": environment.name,
        "python": _package(environment.python),
        "packages": {package.name: _package(package) for package in packages},
        "image": image.reference if image else None,
        "platform": f"{environment.system} {environment.machine}",
        "assumed": list(environment.assumed),
    }


def _package(package: Package) -> dict[str, Any]:
    return {
        "version": package.version or None,
        "variant": package.variant or None,
        "pinned": package.certain,
        "specifier": package.specifier or None,
        "place": package.place or None,
    }


def _load(load: ModelLoad) -> dict[str, Any]:
    entry = load.entry
    return {
        "location": _span(load.where),
        "loader": load.loader,
        "kind": load.kind,
        "when": load.when,
        "file": load.file.text or None,
        "entry_point": None if entry is None else {"framework": entry.framework, "label": entry.label},
        "chain": [{**_span(hop.where), "caller": hop.caller, "callee": hop.callee} for hop in load.chain],
        "once": load.once.text if load.once else None,
        "weights_only": load.weights_only,
        "map_location": load.map_location,
    }


def _span(span: Span) -> dict[str, Any]:
    return {"path": span.path, "line": span.line, "column": span.column}
