"""Dormancy: the share of units whose mean activity is a noticeable part of their layer's."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from hpo_torch.protocol.measurements import HealthReading
from hpo_torch_health.activation_slopes import ACTIVATIONS
from hpo_torch_health.probe_answers import CHUNK_EXAMPLES
from hpo_torch_health.recurrent_units import inside_texts, real_states, recurrent_states

if TYPE_CHECKING:
    from torch import Tensor

    from hpo_torch.plugin_api import Probe, TrainingRecord

TAU = 0.025  # of Sokar et al.'s figures, and what is scored
TAUS = (TAU, 0.1)  # the second is the default of their ReDo


class _Activity:
    """Sums |a| of every unit over examples and positions, by call of a watched module."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: Counter[str] = Counter()
        self._calls: Counter[str] = Counter()
        self._inside: Tensor | None = None

    def begin(self, inputs: Tensor) -> None:
        """Make ready for the next chunk of the probe."""
        self._calls.clear()
        self._inside = inside_texts(inputs)

    def watch(self, name: str, *, recurrent: bool) -> Any:
        """Return the forward hook of a module."""

        def see(module: Any, _args: Any, output: Any) -> None:
            if recurrent:
                units = real_states(module, recurrent_states(output), self._inside).T
            else:
                units = output.transpose(0, 1).flatten(1) if output.ndim > 1 else output[:, None]
            self._add(name, units.detach().float())

        return see

    def _add(self, name: str, units: Tensor) -> None:
        """Count activities [units, N]; reduced at once, so nothing of the pass is kept."""
        self._calls[name] += 1
        key = name if self._calls[name] == 1 else f"{name}#{self._calls[name]}"
        self._sums[key] = units.abs().sum(1) + self._sums.get(key, 0.0)
        self._counts[key] += units.shape[1]

    def means(self) -> dict[str, Tensor]:
        """Return E|a| of every unit, [units], by call in forward order."""
        return {key: total / self._counts[key] for key, total in self._sums.items()}


def mean_activities(network: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    """Return E|a| of every unit, [units], over examples and positions; padding is left out.

    Args:
        network: In eval mode.
        inputs: The probe [P, ...].

    Returns:
        Keyed by module name in forward order; a module that is called again has "#2" appended.
    """
    activity = _Activity()
    handles = []
    for name, module in network.named_modules():
        recurrent = isinstance(module, nn.RNNBase)
        if recurrent or isinstance(module, ACTIVATIONS):
            handles.append(module.register_forward_hook(activity.watch(name, recurrent=recurrent)))
    try:
        with torch.no_grad():
            for chunk in torch.split(inputs, CHUNK_EXAMPLES):
                activity.begin(chunk)
                network(chunk)
    finally:
        for handle in handles:
            handle.remove()
    return activity.means()


def dormant_units(means: Tensor, tau: float) -> Tensor:
    """Tell which units are tau-dormant: E|a_j| <= tau * mean_k E|a_k| (Sokar et al. 2023).

    Dormant is relative: where all units are silent, or not a number, all are dormant.

    Args:
        means: E|a| of a layer's units, [units].
        tau: 0..1.

    Returns:
        bool [units].
    """
    return ~(means > tau * means.mean())


class Dormancy:
    """1 - the share of units that are dormant at tau = 0.025, of the kept epoch.

    1 is no unit dormant, 0 all. None without activation modules or recurrent layers. The threshold
    depends on the activation and flags units of untrained networks too (arXiv 2302.12902 has it for
    reinforcement learning), so it is no part of the score; `neuron_utilization` is.
    """

    def observe(self, probe: Probe) -> dict[str, Any] | None:
        """Count dormant units of every layer; the gradient probe is enough for a mean."""
        activities = mean_activities(probe.network, probe.gradient_inputs)
        if not activities:
            return None
        counts = torch.stack(
            [dormant_units(m, tau).sum() for m in activities.values() for tau in TAUS]
        ).tolist()
        return {
            "units": {name: len(means) for name, means in activities.items()},
            "dormant": {
                str(tau): dict(zip(activities, counts[i :: len(TAUS)], strict=True))
                for i, tau in enumerate(TAUS)
            },
        }

    def score(self, record: TrainingRecord) -> HealthReading:
        """Score the kept epoch's counts."""
        kept = record.observations[record.kept_epoch]
        if kept is None:
            return HealthReading(reason="no activation modules found", applies=False)
        units = kept["units"]
        total = sum(units.values())
        details = {"units": units, "dormant_units": {}}
        for tau, dormant in kept["dormant"].items():
            details[f"dormant_share_{tau}"] = {n: dormant[n] / units[n] for n in units}
            details["dormant_units"][tau] = sum(dormant.values())
        value = 1.0 - details["dormant_units"][str(TAU)] / total
        return HealthReading(value=value, details=details)
