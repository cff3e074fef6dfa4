"""Health presets: named ways of combining health metrics into overall_health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hpo_torch.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping

HEALTH_PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    # Weights and sum of the TensorFlow system that this project follows: docs/health.md.
    "original": {
        "combine": "arithmetic",
        "default_weights": False,
        "weights": {
            "neuron_utilization": 0.25,
            "parameter_efficiency": 0.15,
            "training_stability": 0.20,
            "gradient_health": 0.15,
            "convergence_quality": 0.15,
            "accuracy_consistency": 0.10,
        },
    },
}


def with_health_preset(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in what the preset that `settings` names says, below what they say themselves.

    Args:
        settings: The section `health`; single weights add to the preset's, or replace them.

    Raises:
        UnknownNameError: There is no such preset.
    """
    name = settings.get("preset")
    if name is None:
        return dict(settings)
    if name not in HEALTH_PRESETS:
        raise UnknownNameError("health preset", str(name), HEALTH_PRESETS)
    preset = HEALTH_PRESETS[name]
    filled = {**preset, **settings}
    own = settings.get("weights")
    if own is None or isinstance(own, dict):  # anything else is for the schema to refuse
        filled["weights"] = {**preset["weights"], **(own or {})}
    return filled
