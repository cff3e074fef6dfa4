"""An objective: how probable does the network find the right classes?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hpo_torch.plugin_api import References
    from hpo_torch.protocol.measurements import Measurements


def likelihood(measurements: Measurements, references: References) -> float | None:
    """Return exp(-validation loss): the geometric mean of the right classes' probabilities, 0..1.

    Unlike accuracy, it falls when a network is sure of what is wrong.
    """
    loss = measurements.val_loss
    return None if math.isnan(loss) else math.exp(-max(0.0, loss))
