"""What to do about a trial's health, where a figure crosses a threshold that was measured.

Every threshold is written down with its source in docs/health.md. Figures without such a threshold
(a gap to training accuracy, a share of dormant units ...) are shown, and nothing is concluded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hpo_torch.protocol.measurements import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hpo_torch.protocol.measurements import HealthReading

# Where the metric `gradient_health` begins to fall, and where it reads 0. ReLU networks of 3 and 20
# layers lay within half a decade, sigmoid networks of 20 at 17, with weights four times He's at 8.
HEALTHY_DECADES: Final = 2.0
BROKEN_DECADES: Final = 6.0
# Useful trainings of small networks had medians between 10^-3 and 10^-2; this is the range in which
# the metric `update_ratios` reads 1.
SLOW_STEPS: Final = -4.0
FAST_STEPS: Final = -1.7
# ECE that a perfectly calibrated network has by chance, measured, by number of examples.
CHANCE_ECE: Final[Mapping[int, float]] = {100: 0.117, 300: 0.066, 1000: 0.038, 5000: 0.016}


_NAMED = 3


class Advice(Frozen):
    """One recommendation.

    Attributes:
        metric: Whose figure it is.
        figure: What was measured, in words.
        threshold: What it is compared with, in words.
        advice: What to do.
    """

    metric: str
    figure: str
    threshold: str
    advice: str


def advise(health: Mapping[str, HealthReading]) -> list[Advice]:
    """Return what follows from a trial's readings; nothing where no threshold is crossed."""
    found = []
    for metric, rule in _RULES.items():
        reading = health.get(metric)
        if reading is not None and (advice := rule(reading.details)) is not None:
            found.append(advice)
    # The steps of a dead network are small too: there the ratio says nothing by itself.
    if any(advice.metric == "neuron_utilization" for advice in found):
        found = [advice for advice in found if advice.metric != "update_ratios"]
    return found


def _dead_layer(details: Mapping[str, Any]) -> Advice | None:
    dead = [name for name, share in _numbers(details.get("alive")).items() if share <= 0.0]
    if not dead:
        return None
    return Advice(
        metric="neuron_utilization",
        figure=f"no unit of {_names(dead)} responds to any probe example",
        threshold="an alive share of 0",
        advice="Nothing below such a layer learns. Lower the learning rate, or force an activation "
        "that cannot die: --activation leaky_relu.",
    )


def _depth(details: Mapping[str, Any]) -> Advice | None:
    decades = _numbers(details.get("decades"))
    if not decades:
        return None
    worst = max(decades, key=lambda name: abs(decades[name]))
    far = abs(decades[worst])
    if far <= HEALTHY_DECADES:
        return None
    limit = BROKEN_DECADES if far >= BROKEN_DECADES else HEALTHY_DECADES
    vanishes = decades[worst] < 0.0
    return Advice(
        metric="gradient_health",
        figure=f"the gradient {'vanishes' if vanishes else 'explodes'} towards '{worst}': "
        f"10^{decades[worst]:.1f} of the last layer's",
        threshold=f"{limit:g} decades ({'broken' if limit == BROKEN_DECADES else 'healthy'})",
        advice="Use fewer layers, or relu with he_normal weights, which stays within half a decade "
        "over 20 layers.",
    )


def _calibration(details: Mapping[str, Any]) -> Advice | None:
    error, examples = details.get("ece"), details.get("examples", 0)
    sizes = [size for size in CHANCE_ECE if size <= examples]
    if error is None or not sizes or error <= CHANCE_ECE[max(sizes)]:
        return None
    sure = details["mean_confidence"] > details["accuracy"]
    return Advice(
        metric="calibration",
        figure=f"the calibration error is {error:.3f} on {examples:,} examples, the network "
        f"{'over' if sure else 'under'}confident",
        threshold=f"{CHANCE_ECE[max(sizes)]:g}, which chance alone gives with {max(sizes):,}",
        advice="Scale the logits by a temperature fitted on validation examples before its "
        "probabilities are believed.",
    )


def _steps(details: Mapping[str, Any]) -> Advice | None:
    logs = _numbers(details.get("log10_ratio"))
    slow = [name for name, log in logs.items() if log < SLOW_STEPS]
    fast = [name for name, log in logs.items() if log > FAST_STEPS]
    names = fast or slow
    if not names:
        return None
    worst = max(names, key=lambda name: abs(logs[name] - (FAST_STEPS if fast else SLOW_STEPS)))
    return Advice(
        metric="update_ratios",
        figure=f"the usual step moves {_names(names)} by "
        f"{'up to' if fast else 'as little as'} 10^{logs[worst]:.1f} of its size",
        threshold=f"10^{FAST_STEPS if fast else SLOW_STEPS:g}",
        advice=f"{'Lower' if fast else 'Raise'} the learning rate.",
    )


_RULES: Final[Mapping[str, Callable[[Mapping[str, Any]], Advice | None]]] = {
    "neuron_utilization": _dead_layer,
    "gradient_health": _depth,
    "calibration": _calibration,
    "update_ratios": _steps,
}


def _numbers(detail: Any) -> dict[str, float]:
    """Return a detail's measured layers; whatever else a plugin may have written is left out."""
    if not isinstance(detail, dict):
        return {}
    return {
        name: float(value)
        for name, value in detail.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _names(names: list[str]) -> str:
    few = ", ".join(f"'{name}'" for name in names[:_NAMED])
    return few if len(names) <= _NAMED else f"{few} and {len(names) - _NAMED} more"
