"""`hpo_torch.load_model`: a trained model in one call."""

from __future__ import annotations

from pathlib import Path

from hpo_torch.inference.find_checkpoint import find_checkpoint
from hpo_torch.inference.trained_model import TrainedModel
from hpo_torch.training.devices import resolve_device
from hpo_torch.training.saved_models import load_classifier


def load_model(path: str | Path, device: str = "cpu") -> TrainedModel:
    """Load a trained model; neither the data set nor the run's other files are needed.

    Args:
        path: A run's folder (its best model), a folder with a model.ckpt, or a checkpoint.
        device: Where it computes: "cpu", "cuda", "cuda:N", "mps" or "auto".

    Raises:
        UnknownNameError: There is no such path.
        OutputError: There is no model, or its file is damaged.
        InvalidValueError: The device is none of these.
        DeviceUnavailableError: This machine has no such device.
        MissingDependencyError: The tokenizer's package is not installed.
    """
    where = resolve_device(device)
    checkpoint = find_checkpoint(Path(path).expanduser())
    return TrainedModel(load_classifier(checkpoint, where), where)
