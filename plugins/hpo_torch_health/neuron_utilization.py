"""Neuron utilization: the share of units that respond to at least one probe example."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from hpo_torch.protocol.measurements import HealthReading
from hpo_torch_health.activation_slopes import ACTIVATIONS, FORMULAS, slope

if TYPE_CHECKING:
    from torch import Tensor

    from hpo_torch.plugin_api import Probe, TrainingRecord

DEAD_SLOPE = 1e-3
# A unit once alive stays alive as more examples are seen, so the first few settle most units and
# only the others are looked at again; the result is exact.
FIRST_EXAMPLES, CHUNK_EXAMPLES = 32, 128


def responsive_units(module: nn.Module, z: Tensor) -> Tensor:
    """Tell which units are alive: max over examples and positions of |phi'(z)| above 1e-3.

    One test for every activation: dead is "never active" for ReLU, "always saturated" for tanh and
    sigmoid, and impossible for LeakyReLU. A unit whose z is not a number is dead.

    Args:
        module: The activation.
        z: Its input [P, units, ...]: channels of a convolution, features of a linear layer.

    Returns:
        bool [units].
    """
    others = [dim for dim in range(z.ndim) if dim != 1]
    return (slope(module, z).abs() > DEAD_SLOPE).any(dim=others)


class _Watcher:
    """Settles, chunk by chunk, which units of every activation call are alive."""

    def __init__(self) -> None:
        self.alive: dict[str, Tensor] = {}
        self.calls: Counter[str] = Counter()

    def see(self, name: str, module: nn.Module, z: Tensor) -> None:
        self.calls[name] += 1
        key = name if self.calls[name] == 1 else f"{name}#{self.calls[name]}"
        z = z.detach().float()
        alive = self.alive.get(key)
        if alive is None:
            self.alive[key] = responsive_units(module, z)
            return
        unsettled = (~alive).nonzero().squeeze(1)
        if len(unsettled) == 0:
            return
        # Modules without a formula may hold a weight per unit (PReLU) and need all of them.
        if type(module) in FORMULAS:
            alive[unsettled] = responsive_units(module, z[:, unsettled])
        else:
            alive |= responsive_units(module, z)

    def settled(self) -> bool:
        return all(bool(alive.all()) for alive in self.alive.values())


def alive_units(network: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    """Return which units are alive, bool [units], by activation call, in forward order.

    Args:
        network: In eval mode.
        inputs: The probe [P, ...]; more examples can only find more units alive.

    Returns:
        Keyed by module name; a module that is called again has "#2" appended.
    """
    watcher = _Watcher()

    def watch(name: str) -> Any:
        # A pre-hook, reduced at once: an in-place activation has not yet overwritten its input.
        def see(module: nn.Module, args: tuple[Tensor, ...]) -> None:
            watcher.see(name, module, args[0])

        return see

    handles = [
        module.register_forward_pre_hook(watch(name))
        for name, module in network.named_modules()
        if isinstance(module, ACTIVATIONS)
    ]
    first, rest = inputs[:FIRST_EXAMPLES], inputs[FIRST_EXAMPLES:]
    chunks = (first, *torch.split(rest, CHUNK_EXAMPLES)) if len(rest) else (first,)
    try:
        with torch.no_grad():
            for chunk in chunks:
                watcher.calls.clear()
                network(chunk)
                if watcher.settled():
                    break
    finally:
        for handle in handles:
            handle.remove()
    return watcher.alive


class NeuronUtilization:
    """1 - dead units / all units over every activation module, of the kept epoch.

    1 is every unit responsive, 0 none. None without activation modules (functional calls such as
    `F.relu` cannot be watched). Dead counts are upper bounds that shrink with the probe's size.
    High utilization is no promise of accuracy: dead units can also be pruned capacity.
    """

    def observe(self, probe: Probe) -> dict[str, Any] | None:
        """Count alive and all units of every activation on the probe."""
        alive = alive_units(probe.network, probe.inputs)
        if not alive:
            return None
        return {
            "alive": {name: int(units.sum()) for name, units in alive.items()},
            "units": {name: len(units) for name, units in alive.items()},
            "probe_size": len(probe.inputs),
        }

    def score(self, record: TrainingRecord) -> HealthReading:
        """Score the kept epoch's counts; alert to layers that are dead now."""
        kept = record.observations[record.kept_epoch]
        if kept is None:
            return HealthReading(reason="no activation modules found")
        units = kept["units"]
        shares = {name: kept["alive"][name] / count for name, count in units.items()}
        worst = min(shares, key=shares.__getitem__)
        total = sum(units.values())
        dead = total - sum(kept["alive"].values())
        details = {
            "layers": shares,
            "worst_layer": worst,
            "worst_share": shares[worst],
            "units": units,
            "dead_units": dead,
            "probe_size": kept["probe_size"],
            "alerts": _dead_layers(record.observations[-1]),
        }
        return HealthReading(value=1.0 - dead / total, details=details)


def _dead_layers(observed: dict[str, Any] | None) -> list[str]:
    if observed is None:
        return []
    return [
        f"all {observed['units'][name]} units of activation '{name}' are dead"
        for name, alive in observed["alive"].items()
        if alive == 0
    ]
