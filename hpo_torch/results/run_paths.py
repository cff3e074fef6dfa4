"""Where everything of a run lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.results.atomic_files import output_error

if TYPE_CHECKING:
    from pathlib import Path

CONFIG_FILE = "config.yaml"


def run_names(root: Path) -> list[str]:
    """Return the names of the runs in `root`, sorted; none where `root` doesn't exist.

    Raises:
        OutputError: `root` is no folder, or may not be read.
    """
    if not root.exists():
        return []
    try:
        return sorted(entry.name for entry in root.iterdir() if (entry / CONFIG_FILE).is_file())
    except OSError as error:
        raise output_error("read", root, error) from error


class RunPaths:
    """The files of one run.

    Attributes:
        path: Its folder.
    """

    def __init__(self, path: Path) -> None:
        """Take `path` as it is."""
        self.path = path

    @property
    def name(self) -> str:
        """The run's name, which is the folder's."""
        return self.path.name

    @property
    def config(self) -> Path:
        """The resolved settings."""
        return self.path / CONFIG_FILE

    @property
    def journal(self) -> Path:
        """Optuna's storage."""
        return self.path / "study.journal"

    @property
    def events(self) -> Path:
        """The numbered events, for `EventLog` and `read_events`."""
        return self.path / "events.jsonl"

    @property
    def best_hyperparameters(self) -> Path:
        """The best trial's hyperparameters."""
        return self.path / "best_hyperparameters.yaml"

    @property
    def summary(self) -> Path:
        """The `RunSummary`; there once the study has ended."""
        return self.path / "summary.json"

    @property
    def warm_start(self) -> Path:
        """What was used of an earlier run; there where a warm start was asked for."""
        return self.path / "warm_start.json"

    @property
    def trials_table(self) -> Path:
        """One line per trial, for spreadsheets."""
        return self.path / "trials.csv"

    @property
    def environment(self) -> Path:
        """The `Environment`."""
        return self.path / "environment.json"

    @property
    def best_model_dir(self) -> Path:
        """Folder of the best model."""
        return self.path / "best_model"

    @property
    def best_checkpoint(self) -> Path:
        """The best model's weights; there once a trial has completed."""
        return self.best_model_dir / "model.ckpt"

    @property
    def best_readme(self) -> Path:
        """Says whose the best model's weights are; written after them."""
        return self.best_model_dir / "README.md"

    @property
    def test_report(self) -> Path:
        """The `TestReport`; there once the winner has been scored."""
        return self.best_model_dir / "test_report.json"

    @property
    def test_predictions(self) -> Path:
        """The `Predictions`; there once the winner has been scored."""
        return self.best_model_dir / "test_predictions.npz"

    @property
    def confident_mistakes(self) -> Path:
        """The `Mistakes`; there once the winner has been scored."""
        return self.best_model_dir / "confident_mistakes.npz"

    @property
    def architecture(self) -> Path:
        """The `Architecture`; there once the winner has been scored."""
        return self.best_model_dir / "architecture.json"

    @property
    def activation_maps(self) -> Path:
        """The `ActivationMaps` of a network with convolutions, once the winner has been scored."""
        return self.best_model_dir / "activation_maps.npz"

    @property
    def scored_files(self) -> tuple[Path, ...]:
        """What scoring the winner leaves of every network; the report was written last."""
        return (
            self.test_report,
            self.test_predictions,
            self.confident_mistakes,
            self.architecture,
        )

    @property
    def made_of_weights(self) -> tuple[Path, ...]:
        """What may be made of the best model's weights: programs, and a text model's tokenizer."""
        names = ("model.pt2", "model.onnx", "tokenizer.json")
        return tuple(self.best_model_dir / name for name in names)

    @property
    def retrained_dir(self) -> Path:
        """Folder of the trials that were trained again; each is locked by itself."""
        return self.path / "retrained"

    @property
    def plots_dir(self) -> Path:
        """Folder of the run's pictures."""
        return self.path / "plots"

    @property
    def report(self) -> Path:
        """The run as one page to be read."""
        return self.path / "report.html"

    def trial_dir(self, trial: int) -> Path:
        """Folder of one trial."""
        return self.path / "trials" / f"{trial:04d}"

    def weights(self, trial: int) -> Path:
        """Where a trial's training leaves its kept weights."""
        return self.trial_dir(trial) / "model.ckpt"

    def training_state(self, trial: int) -> Path:
        """Where a trial's training leaves its state after every epoch."""
        return self.trial_dir(trial) / "training_state.ckpt"
