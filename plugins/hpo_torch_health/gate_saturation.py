"""Gate saturation: how much of the time an LSTM's gates are all but shut or all but open."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from hpo_torch.protocol.measurements import HealthReading
from hpo_torch_health.lstm_gates import lstm_gates
from hpo_torch_health.recurrent_units import inside_texts

if TYPE_CHECKING:
    from torch import Tensor

    from hpo_torch.plugin_api import Probe, TrainingRecord

EXAMPLES = 32  # some thousand steps of some dozen units: enough for shares
GATES = ("input", "forget", "output")
SHUT, OPEN = 0.1, 0.9  # Karpathy, Johnson & Fei-Fei 2015 (arXiv 1506.02078)


def saturated_shares(gates: Tensor) -> Tensor:
    """Return the shares of values below 0.1 and above 0.9.

    Args:
        gates: [N, 4, units] as of `lstm_gates`; the cell gate, a tanh, is left out.

    Returns:
        float32 [2, 3]: shut and open, of input, forget and output gate.
    """
    gates = gates[:, [0, 1, 3]]
    return torch.stack(((gates < SHUT).float().mean((0, 2)), (gates > OPEN).float().mean((0, 2))))


def gate_shares(network: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    """Return `saturated_shares` of every layer and direction of every `nn.LSTM`, padding left out.

    Args:
        network: In eval mode.
        inputs: The probe [P, ...].

    Returns:
        Keyed "module.l0", "module.l0_reverse"; a module that is called again has "#2" appended.
    """
    shares: dict[str, Tensor] = {}
    calls: Counter[str] = Counter()
    inside = inside_texts(inputs)

    def watch(name: str) -> Any:
        def see(module: nn.LSTM, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
            calls[name] += 1
            call = name if calls[name] == 1 else f"{name}#{calls[name]}"
            given = dict(zip(("input", "hx"), args, strict=False)) | kwargs
            gates, packed = lstm_gates(module, given["input"], out[0], given.get("hx"))
            real = inside if packed is None else packed
            for key, each in gates.items():
                shares[f"{call}.{key}".lstrip(".")] = saturated_shares(_inside(each, real))

        return see

    handles = [
        module.register_forward_hook(watch(name), with_kwargs=True)
        for name, module in network.named_modules()
        if isinstance(module, nn.LSTM)
    ]
    if not handles:
        return {}
    try:
        with torch.no_grad():
            network(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return shares


def _inside(gates: Tensor, inside: Tensor | None) -> Tensor:
    """Return the gates [N, 4, units] of real steps, where the layer's steps are the inputs'."""
    if inside is None or inside.shape != gates.shape[:2]:
        return gates.flatten(0, 1)
    return gates[inside]


class GateSaturation:
    """1 - the share of gate values that are saturated, of the kept epoch.

    1 is every gate always between 0.1 and 0.9, 0 none ever. None without an `nn.LSTM`. Saturation
    is not death: to remember, a forget gate has to stay open. It tells how a network uses its
    memory, and is no part of the score.
    """

    def observe(self, probe: Probe) -> dict[str, Any] | None:
        """Compute the gates of the first 32 probe examples."""
        shares = gate_shares(probe.network, probe.inputs[:EXAMPLES])
        if not shares:
            return None
        values = torch.stack(list(shares.values())).tolist()
        return {
            name: {
                "shut": dict(zip(GATES, shut, strict=True)),
                "open": dict(zip(GATES, opened, strict=True)),
            }
            for name, (shut, opened) in zip(shares, values, strict=True)
        }

    def score(self, record: TrainingRecord) -> HealthReading:
        """Score the kept epoch's shares; every layer, direction and gate counts the same."""
        kept = record.observations[record.kept_epoch]
        if kept is None:
            return HealthReading(reason="the network has no nn.LSTM", applies=False)
        saturated = {
            name: sum(shares["shut"].values()) / len(GATES)
            + sum(shares["open"].values()) / len(GATES)
            for name, shares in kept.items()
        }
        value = 1.0 - sum(saturated.values()) / len(saturated)
        details = {"saturated": saturated, "gates": kept}
        return HealthReading(value=min(1.0, max(0.0, value)), details=details)
