"""Neuron utilization: the share of units that respond to at least one probe example."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from hpo_torch.protocol.measurements import HealthReading
from hpo_torch_health.activation_slopes import ACTIVATIONS, FORMULAS, slope
from hpo_torch_health.recurrent_units import (
    StateSpread,
    inside_texts,
    real_states,
    recurrent_states,
)

if TYPE_CHECKING:
    from torch import Tensor
    from torch.utils.hooks import RemovableHandle

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
    """Settles, chunk by chunk, which units of every call of a watched module are alive."""

    def __init__(self) -> None:
        self._alive: dict[str, Tensor] = {}
        self._spreads: dict[str, StateSpread] = {}
        self._calls: Counter[str] = Counter()
        self._order: dict[str, None] = {}
        self._inside: Tensor | None = None

    def begin(self, inputs: Tensor) -> None:
        """Make ready for the next chunk of the probe."""
        self._calls.clear()
        self._inside = inside_texts(inputs)

    def _key(self, name: str) -> str:
        self._calls[name] += 1
        key = name if self._calls[name] == 1 else f"{name}#{self._calls[name]}"
        self._order[key] = None
        return key

    def see_states(self, name: str, module: nn.RNNBase, output: Any) -> None:
        """Look at what a recurrent layer returned."""
        spread = self._spreads.setdefault(self._key(name), StateSpread())
        spread.add(real_states(module, recurrent_states(output), self._inside))

    def see(self, name: str, module: nn.Module, z: Tensor) -> None:
        """Look at what goes into an activation."""
        key = self._key(name)
        z = z.detach().float()
        alive = self._alive.get(key)
        if alive is None:
            self._alive[key] = responsive_units(module, z)
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
        """Whether more examples can change nothing; a deviation needs all of them."""
        return not self._spreads and all(bool(alive.all()) for alive in self._alive.values())

    def alive(self) -> dict[str, Tensor]:
        """Return bool [units] by call, in forward order."""
        found = {**self._alive, **{key: each.alive() for key, each in self._spreads.items()}}
        return {key: found[key] for key in self._order}


def alive_units(network: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    """Return which units are alive, bool [units], by call of a module, in forward order.

    Activations are judged by their slope (`responsive_units`), hidden units of recurrent layers by
    whether their state moves (`StateSpread`): saturated gates are no sign of death, remembering
    needs them.

    Args:
        network: In eval mode.
        inputs: The probe [P, ...]; more examples can only find more activations alive.

    Returns:
        Keyed by module name; a module that is called again has "#2" appended.
    """
    watcher = _Watcher()
    handles = _watch(network, watcher)
    first, rest = inputs[:FIRST_EXAMPLES], inputs[FIRST_EXAMPLES:]
    chunks = (first, *torch.split(rest, CHUNK_EXAMPLES)) if len(rest) else (first,)
    try:
        with torch.no_grad():
            for chunk in chunks:
                watcher.begin(chunk)
                network(chunk)
                if watcher.settled():
                    break
    finally:
        for handle in handles:
            handle.remove()
    return watcher.alive()


def _watch(network: nn.Module, watcher: _Watcher) -> list[RemovableHandle]:
    """Let the watcher see every activation's input and every recurrent layer's output."""

    def before(name: str) -> Any:
        # A pre-hook, reduced at once: an in-place activation has not yet overwritten its input.
        def see(module: nn.Module, args: tuple[Tensor, ...]) -> None:
            watcher.see(name, module, args[0])

        return see

    def after(name: str) -> Any:
        def see(module: nn.RNNBase, _args: Any, output: Any) -> None:
            watcher.see_states(name, module, output)

        return see

    handles = []
    for name, module in network.named_modules():
        if isinstance(module, ACTIVATIONS):
            handles.append(module.register_forward_pre_hook(before(name)))
        elif isinstance(module, nn.RNNBase):
            handles.append(module.register_forward_hook(after(name)))
    return handles


class NeuronUtilization:
    """1 - dead units / all units over activations and recurrent layers, of the kept epoch.

    1 is every unit responsive, 0 none. None without such modules (functional calls such as
    `F.relu` cannot be watched; of an `nn.LSTM` with several layers, only the last can). Dead counts
    are upper bounds that shrink with the probe's size. High utilization is no promise of accuracy:
    dead units can also be pruned capacity.
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
        """Score the kept epoch's counts; raise an alarm for layers that are dead now."""
        kept = record.observations[record.kept_epoch]
        if kept is None:
            return HealthReading(reason="no activation modules found", applies=False)
        units = kept["units"]
        shares = {name: kept["alive"][name] / count for name, count in units.items()}
        worst = min(shares, key=shares.__getitem__)
        total = sum(units.values())
        dead = total - sum(kept["alive"].values())
        details = {
            "alive": shares,
            "worst_layer": worst,
            "worst_share": shares[worst],
            "units": units,
            "dead_units": dead,
            "probe_size": kept["probe_size"],
            "alarms": _dead_layers(record.observations[-1]),
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
