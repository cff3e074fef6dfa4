"""A training's whole state in a file after every epoch, from which another attempt goes on."""

from __future__ import annotations

import logging
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import Callback

from hpo_torch import __version__
from hpo_torch.protocol.events import EpochFinished, HealthAlert, parse_event
from hpo_torch.results.atomic_files import discard_leftovers
from hpo_torch.training.seeding import random_states, restore_random_states

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

    from hpo_torch.protocol.job import TrialJob

_log = logging.getLogger(__name__)

STATE_FILE = "training_state.ckpt"
# What decides the outcome of a training. Where its files are or how long its name is does not, nor
# into how many parts its batches are split: a retry that was short of memory goes on with more.
_DECISIVE = frozenset(
    {"seed", "split_seed", "family", "hyperparameters", "objective", "training", "health"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredState:
    """A training's state that can be gone on from.

    Attributes:
        path: Of the file: Lightning's checkpoint, callbacks' states included.
        events: What was said of its epochs, `EpochFinished` and `HealthAlert`, in order.
    """

    path: Path
    events: tuple[EpochFinished | HealthAlert, ...]

    @property
    def epochs(self) -> int:
        """How many epochs are trained."""
        return sum(isinstance(event, EpochFinished) for event in self.events)


class StateFile(Callback):
    """Writes Lightning's checkpoint of a trial, and with it the random generators' states.

    Args:
        job: The trial; one without `output_dir` writes nothing and finds nothing.
        fingerprint: Of the data set's content.
        device: Where it trains.
    """

    def __init__(self, job: TrialJob, fingerprint: str, device: torch.device) -> None:
        self._trial, self._device = job.trial, device
        self._path = None if job.output_dir is None else Path(job.output_dir) / STATE_FILE
        self._identity = {
            **job.model_dump(mode="json", include=set(_DECISIVE)),
            "validation_split": job.data.validation_share,
            "data": fingerprint,
            "version": __version__,
        }
        self._events: list[EpochFinished | HealthAlert] = []
        self._random: dict[str, Any] | None = None

    def find(self) -> StoredState | None:
        """Return the state that an earlier attempt has left; None where there is none to use.

        A file that is damaged or belongs to another training is logged and left alone: the first
        epoch of the new training replaces it.
        """
        if self._path is None:
            return None
        discard_leftovers(self._path)
        if not self._path.exists():
            return None
        try:
            return self._read(self._path)
        except Exception as error:  # whatever is wrong with the file, the trial can be trained
            _log.warning(
                "trial %d starts anew: %s cannot be gone on from: %s",
                self._trial,
                self._path,
                str(error) or type(error).__name__,
            )
            return None

    def _read(self, path: Path) -> StoredState:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()  # torch does not compare checksums
        if damaged is not None:
            raise ValueError(f"its part {damaged} is damaged")
        # Restricted to tensors and plain values: a file cannot run code.
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        state = checkpoint["callbacks"][self.state_key]
        differing = [
            key for key, value in self._identity.items() if state["identity"].get(key) != value
        ]
        if differing:
            raise ValueError(f"it belongs to another training (differing: {', '.join(differing)})")
        return StoredState(path=path, events=tuple(map(_parse, state["events"])))

    def write(self, trainer: Trainer, events: list[EpochFinished | HealthAlert]) -> None:
        """Replace the file by the training's state after an epoch, which these events tell of.

        Raises:
            OutputError: The disk is full, the folder may not be written ...; the file is as it was.
        """
        self._events += events
        if self._path is None:
            return
        # Without waiting for the disk: a killed process leaves what it has written to the system.
        # A loss of power may damage the file; that is noticed, and costs this trial's epochs,
        # where waiting would cost every epoch of every trial.
        trainer.save_checkpoint(self._path, weights_only=False, storage_options={"durable": False})

    def state_dict(self) -> dict[str, Any]:
        """Return whose state this is, what was said so far, and the generators' states."""
        return {
            "identity": self._identity,
            "events": [event.model_dump_json() for event in self._events],
            "random": random_states(self._device),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        self._events = list(map(_parse, state_dict["events"]))
        self._random = state_dict["random"]

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the generators back as late as possible: setting up a trainer may draw from them."""
        if self._random is not None:
            restore_random_states(self._random, self._device)


def _parse(line: str) -> EpochFinished | HealthAlert:
    event = parse_event(line)
    if not isinstance(event, EpochFinished | HealthAlert):
        raise ValueError(f"expected events of epochs, got {event.kind}")
    return event
