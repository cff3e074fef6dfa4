"""A trial to train, as plain JSON: here, in a worker process, on another machine, or next year."""

from __future__ import annotations

from typing import Any

from hpo_torch.config.schema import DataSettings, HealthSettings, TrainingSettings
from hpo_torch.protocol.measurements import Frozen


class TrialJob(Frozen):
    """Everything `train_trial` needs to know.

    Attributes:
        study: The run's name.
        trial: Number within the study, from 0.
        attempt: Unique per attempt at this trial; events carry it.
        seed: Of this trial's weights, shuffling and dropout.
        data: The data set by name, where its files are, and how it is split.
        split_seed: Seed of the validation split; the same for all trials of a study.
        family: Model family: "cnn" or "lstm".
        hyperparameters: Every hyperparameter by name, fixed and implied ones included.
        objective: Name of the objective; decides which epoch's weights are kept.
        device: "cpu", "cuda", "cuda:1", "mps" or "auto".
        output_dir: Where the kept weights go (`model.ckpt`), and after every epoch the training's
            state (`training_state.ckpt`), from which the next attempt goes on if it is there. None
            leaves nothing.
        known_epochs: Epochs of earlier attempts that the study has heard of; the later ones that
            the training's state holds are reported again.
        accumulate: Parts of a batch that go through the network one after another, to save
            memory; their gradients make one step.
        timeout: Seconds that the whole trial may take, after which the study stops it; None where
            the study has no limit. Rented hardware may have one all the same, so that nothing is
            paid for without end: see the backend.
        memory_bytes: The study's estimate of a training step's memory, by which a remote backend
            chooses hardware: weights, gradients, the optimiser's copies and what the forward pass
            keeps. None where nobody asks.
    """

    study: str
    trial: int
    attempt: str
    seed: int
    data: DataSettings
    split_seed: int
    family: str
    hyperparameters: dict[str, Any]
    objective: str = "val_accuracy"
    training: TrainingSettings
    health: HealthSettings
    device: str = "auto"
    output_dir: str | None = None
    known_epochs: int = 0
    accumulate: int = 1
    timeout: float | None = None
    memory_bytes: int | None = None
