from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn

from hpo_torch.plugin_api import Probe, TrainingRecord, Validation
from hpo_torch.protocol.measurements import EpochMetrics

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def make_record() -> Callable[..., TrainingRecord]:
    """A record with quiet defaults; `val_losses` become epochs."""

    def make(*, val_losses: tuple[float, ...] = (1.0,), **fields: Any) -> TrainingRecord:
        epochs = [
            EpochMetrics(
                epoch=number,
                train_loss=1.0,
                train_accuracy=0.5,
                val_loss=loss,
                val_accuracy=0.5,
                learning_rate=0.1,
                seconds=1.0,
            )
            for number, loss in enumerate(val_losses, start=1)
        ]
        defaults: dict[str, Any] = {
            "step_losses": [],
            "gradient_norms": [],
            "epochs": epochs,
            "kept_epoch": 0,
            "observations": [None] * len(epochs),
            "skill": 1.0,
            "parameters": 100,
            "reference_parameters": 100,
        }
        return TrainingRecord(**{**defaults, **fields})

    return make


@pytest.fixture
def make_probe() -> Callable[..., Probe]:
    """A probe of a network in eval mode."""

    def make(
        network: nn.Module,
        inputs: Tensor,
        labels: Tensor | None = None,
        validation: Validation | None = None,
    ) -> Probe:
        labels = torch.zeros(len(inputs), dtype=torch.int64) if labels is None else labels
        return Probe(
            network=network.eval(),
            inputs=inputs,
            labels=labels,
            gradient_inputs=inputs[:128],
            gradient_labels=labels[:128],
            epoch=1,
            validation=validation,
        )

    return make


@pytest.fixture
def make_validation() -> Callable[..., Validation]:
    """A validation whose probe is its first 256 examples."""

    def make(network: nn.Module, inputs: Tensor, labels: Tensor) -> Validation:
        with torch.no_grad():
            confidences, answers = network.eval()(inputs).softmax(dim=1).max(dim=1)
        return Validation(
            confidences=confidences,
            correct=answers == labels,
            inputs=inputs[:256],
            labels=labels[:256],
        )

    return make
