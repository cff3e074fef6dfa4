"""How far optimiser steps move the weights, measured at every k-th step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

_MATRIX = 2  # dimensions; biases and normalisation start near 0, where a ratio says nothing


class UpdateRecorder:
    """Keeps ||W after - W before|| / ||W before|| of weights on their device.

    Only a sampled step costs a copy of the weights, which is freed as soon as the step is done.

    Attributes:
        ratios: Read so far, by name of the weight, one number a sampled step.
    """

    def __init__(self) -> None:
        self.ratios: dict[str, list[float]] = {}
        self._names: list[str] = []
        self._weights: list[Tensor] = []
        self._before: list[Tensor] = []
        self._on_device: list[Tensor] = []

    def begin(self, named_parameters: Iterable[tuple[str, Tensor]]) -> None:
        """Remember the weights as they are before a sampled step."""
        named = [
            (name, parameter.detach())
            for name, parameter in named_parameters
            if parameter.ndim >= _MATRIX and parameter.grad is not None
        ]
        names = [name for name, _ in named]
        if names != self._names:  # a layer was frozen or thawed: rows of one length at a time
            self.read()
        self._names = names
        self._weights = [weight for _, weight in named]
        self._before = [weight.clone() for weight in self._weights]

    def end(self) -> None:
        """Compare with the weights after the step, if it was one that `begin` was called for."""
        if not self._before:
            return
        moved = torch.stack(
            [
                torch.linalg.vector_norm((after - before).float())
                / torch.linalg.vector_norm(before.float())
                for after, before in zip(self._weights, self._before, strict=True)
            ]
        )
        self._on_device.append(moved)
        self._weights, self._before = [], []

    def read(self) -> None:
        """Move what is kept on the device to `ratios`; call once an epoch."""
        rows = torch.stack(self._on_device).tolist() if self._on_device else []
        self._on_device.clear()
        for row in rows:
            for name, ratio in zip(self._names, row, strict=True):
                self.ratios.setdefault(name, []).append(ratio)

    def state_dict(self) -> dict[str, Any]:
        """Return all that a resumed training needs to go on recording."""
        self.read()
        return {
            "names": list(self.ratios),
            "ratios": torch.tensor(list(self.ratios.values()), dtype=torch.float64),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        self.ratios = dict(zip(state["names"], state["ratios"].tolist(), strict=True))
