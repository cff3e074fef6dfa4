"""Parameter efficiency: skill, discounted by the number of trainable parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hpo_torch.protocol.measurements import HealthReading

if TYPE_CHECKING:
    from hpo_torch.plugin_api import Probe, TrainingRecord


def cost_discount(amount: float, reference: float) -> float:
    """Return 1 / (1 + log2(1 + amount / reference)), in (0, 1].

    1 at no cost, 1/2 at the reference, strictly decreasing, and free of units: scaling both
    arguments alike changes nothing. It needs no running minimum over trials, so a trial's score
    never depends on the trials before it.

    Args:
        amount: What is spent (parameters, bytes, seconds ...), at least 0.
        reference: The amount that costs half, in the same unit, above 0.
    """
    return 1.0 / (1.0 + math.log2(1.0 + amount / reference))


class ParameterEfficiency:
    """skill * cost_discount(parameters; those of the family's default configuration).

    Multiplied by skill because accuracy per parameter alone is greatest for the smallest network
    that knows nothing.
    """

    def observe(self, probe: Probe) -> None:
        """Need nothing of the network: its size does not change."""

    def score(self, record: TrainingRecord) -> HealthReading:
        """Score the kept epoch's skill against the network's size, 0..1."""
        value = record.skill * cost_discount(record.parameters, record.reference_parameters)
        details = {
            "parameters": record.parameters,
            "reference_parameters": record.reference_parameters,
            "skill": record.skill,
        }
        return HealthReading(value=value, details=details)
