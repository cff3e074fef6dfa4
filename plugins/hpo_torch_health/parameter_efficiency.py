"""Parameter efficiency: skill, discounted by the number of trainable parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.plugin_api import cost_discount
from hpo_torch.protocol.measurements import HealthReading

if TYPE_CHECKING:
    from hpo_torch.plugin_api import Probe, TrainingRecord


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
