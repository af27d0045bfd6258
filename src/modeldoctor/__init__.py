"""Says what will go wrong when PyTorch loads and serves a model, without running any of it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modeldoctor.api import check, inspect
    from modeldoctor.findings import Finding, Report

__version__ = "0.1.0"

# What must be typed to install the tool. The registry's `modeldoctor` is a stranger's package.
DISTRIBUTION = "torch-modeldoctor"

__all__ = ["DISTRIBUTION", "Finding", "Report", "__version__", "check", "inspect"]


def __getattr__(name: str) -> object:
    """Load the public API on first use: `modeldoctor --version` must not pay for it."""
    if name in {"check", "inspect"}:
        from modeldoctor import api

        return getattr(api, name)
    if name in {"Finding", "Report"}:
        from modeldoctor import findings

        return getattr(findings, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted(__all__)
