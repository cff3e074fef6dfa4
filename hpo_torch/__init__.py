"""Hyperparameter search for neural networks that cares how healthy the winner is."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.api.result import Result, open_run
    from hpo_torch.api.search import optimize, resume
    from hpo_torch.inference.load_model import load_model

__all__ = ["Result", "__version__", "load_model", "open_run", "optimize", "resume"]

__version__ = "0.1.0"

# Imported at the first use: torch takes seconds, and listings must stay instant.
_MODULES: Final[Mapping[str, str]] = {
    "Result": "hpo_torch.api.result",
    "open_run": "hpo_torch.api.result",
    "optimize": "hpo_torch.api.search",
    "resume": "hpo_torch.api.search",
    "load_model": "hpo_torch.inference.load_model",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'hpo_torch' has no attribute '{name}'")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
