"""What training leaves for health to read: every loss, and every k-th gradient norm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lightning.pytorch import Trainer
    from torch import Tensor
    from torch.optim import Optimizer


class GradientRecorder:
    """Keeps losses and global gradient norms on their device; reads them to the host in one go.

    Reading a value as it comes would make the host wait for the device at every step.

    Args:
        every_k_steps: A gradient norm is kept of optimizer steps 1, 1 + k, 1 + 2k ...

    Attributes:
        step_losses: Losses read so far, nats.
        gradient_norms: Norms read so far; inf and nan are kept as they are.
    """

    def __init__(self, every_k_steps: int) -> None:
        self.step_losses: list[float] = []
        self.gradient_norms: list[float] = []
        self._every_k_steps = every_k_steps
        self._optimizer_steps = 0
        self._losses_on_device: list[Tensor] = []
        self._norms_on_device: list[Tensor] = []

    def keep_loss(self, loss: Tensor) -> None:
        """Keep a step's loss, a 0-d tensor."""
        self._losses_on_device.append(loss.detach())

    def keep_gradients(self, parameters: Iterable[Tensor], *, loss_scale: float = 1.0) -> None:
        """Count one optimizer step, and keep the gradient's 2-norm if it is a k-th one.

        Args:
            parameters: All that the optimizer may step; those without `.grad` are passed over.
            loss_scale: What the gradients are still multiplied by.
        """
        due = self.due
        self._optimizer_steps += 1
        if not due:
            return
        gradients = [p.grad.detach() for p in parameters if p.grad is not None]
        if gradients:
            self._norms_on_device.append(torch.nn.utils.get_total_norm(gradients) / loss_scale)

    @property
    def due(self) -> bool:
        """Whether the next optimizer step is one whose gradients are kept."""
        return self._optimizer_steps % self._every_k_steps == 0

    def read(self) -> None:
        """Move what is kept on the device to the host's lists; call once an epoch."""
        self.step_losses += _to_host(self._losses_on_device)
        self.gradient_norms += _to_host(self._norms_on_device)

    def state_dict(self) -> dict[str, Any]:
        """Return all that a resumed training needs to go on recording."""
        self.read()
        # As tensors: torch.save takes a microsecond for every number of a list.
        return {
            "step_losses": torch.tensor(self.step_losses, dtype=torch.float64),
            "gradient_norms": torch.tensor(self.gradient_norms, dtype=torch.float64),
            "optimizer_steps": self._optimizer_steps,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        self.step_losses = state["step_losses"].tolist()
        self.gradient_norms = state["gradient_norms"].tolist()
        self._optimizer_steps = state["optimizer_steps"]


def _to_host(kept: list[Tensor]) -> list[float]:
    values: list[float] = torch.stack(kept).float().tolist() if kept else []
    kept.clear()
    return values


def loss_scale(trainer: Trainer, optimizer: Optimizer) -> float:
    """Return the factor that gradients still carry: Lightning leaves unscaling to fused ones."""
    scaler = getattr(trainer.precision_plugin, "scaler", None)
    if scaler is None or not getattr(optimizer, "_step_supports_amp_scaling", False):
        return 1.0
    return float(scaler.get_scale())
