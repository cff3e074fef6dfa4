"""The weights that score are the weights that are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from hpo_torch.protocol.measurements import EpochMetrics

if TYPE_CHECKING:
    from torch import Tensor, nn


class KeptWeights:
    """Keeps one epoch's weights, on the CPU.

    Args:
        keeps: "best" keeps the best epoch by `metric`, "last" keeps every newest epoch.
        metric: "val_accuracy" (of equal ones, the lower validation loss) or "val_loss".
    """

    def __init__(
        self, keeps: Literal["best", "last"], metric: Literal["val_accuracy", "val_loss"]
    ) -> None:
        self._keeps, self._metric = keeps, metric
        self._state: dict[str, Tensor] = {}
        self.metrics: EpochMetrics | None = None
        self.index = -1

    def offer(self, network: nn.Module, metrics: EpochMetrics) -> None:
        """Look at a finished epoch and keep its weights if they are to be scored."""
        beaten = self.metrics is None or self._rank(metrics) > self._rank(self.metrics)
        if self._keeps == "best" and not beaten:
            return
        self.metrics, self.index = metrics, metrics.epoch - 1
        self._state = {
            name: tensor.detach().to("cpu", copy=True)
            for name, tensor in network.state_dict().items()
        }

    def _rank(self, metrics: EpochMetrics) -> tuple[float, ...]:
        if self._metric == "val_loss":
            return (-metrics.val_loss,)
        return metrics.val_accuracy, -metrics.val_loss

    def restore(self, network: nn.Module) -> None:
        """Put the kept weights back into the network."""
        network.load_state_dict(self._state)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training needs to go on keeping; tensors and plain values."""
        return {"weights": self._state, "metrics": self.metrics and self.metrics.model_dump()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` returned after at least one epoch."""
        self._state = state["weights"]
        self.metrics = EpochMetrics.model_validate(state["metrics"])
        self.index = self.metrics.epoch - 1
