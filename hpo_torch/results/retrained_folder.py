"""The folder of a trial that was trained again: like a run's best_model/, and its figures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import yaml

from hpo_torch.errors import OutputError
from hpo_torch.results.atomic_files import copy_file, write_text
from hpo_torch.results.best_model_readme import how_to_load, weights_of
from hpo_torch.results.run_directory import RunDirectory

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.protocol.measurements import Frozen
    from hpo_torch.results.comparison import Comparison
    from hpo_torch.results.environment import Environment
    from hpo_torch.results.records import TestReport, TrialResult

_README: Final = """\
# Trial {trial} of {run}, trained again

Seed {seed}. {weights}, of this training.

| file | content |
|---|---|
| `model.ckpt` | a Lightning checkpoint: the weights, and all that is needed to build the network |
| `hyperparameters.yaml` | model family and every hyperparameter that trained it |
| `labels.json` | the classes' names, in the order of the network's outputs |
| `epochs.csv`, `health.json`, `result.json` | what was measured |
| `comparison.json` | beside the trial of the run: epoch by epoch, and why figures may differ |
| `environment.json` | the machine and the versions |
| `training/` | events and storage of this training |

Unless that was asked for (`--score-test`; then `test_report.json` is here), the model has not met
the test set, which is for the winner of a search, once.

## How to load it

{loading}"""


class RetrainedFolder:
    """Where one repetition of a trial is trained, and what it leaves.

    Attributes:
        path: The folder.
        training: The folder of the training itself, which is like a run's.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.training = RunDirectory(path / "training")

    @property
    def checkpoint(self) -> Path:
        """The kept weights; there once the training has completed."""
        return self.path / "model.ckpt"

    @property
    def result(self) -> Path:
        """The `TrialResult`, under the number of the trial; written last."""
        return self.path / "result.json"

    def check_new(self) -> None:
        """Refuse a folder that is complete; one that is not is gone on with.

        Raises:
            OutputError: It is.
        """
        if self.result.exists():
            raise OutputError(
                f"{self.path} exists already. Choose another name (--name), or remove it."
            )

    def write(
        self,
        run: str,
        repetition: TrialResult,
        comparison: Comparison,
        environment: Environment,
        labels: list[str] | None,
    ) -> None:
        """Write all files but the weights, `result.json` last; raises OutputError.

        Args:
            run: Name of the run.
            repetition: The training, under its own number.
            comparison: With the trial.
            environment: Where it was trained.
            labels: The classes' names; None where there are no weights.
        """
        result = repetition.model_copy(update={"trial": comparison.trial})
        source = self.training.trial_dir(repetition.trial)
        for name in ("epochs.csv", "health.json"):
            copy_file(source / name, self.path / name)
        if labels is not None:
            write_text(self.path / "labels.json", _json(labels))
            readme = _README.format(
                trial=result.trial,
                run=run,
                seed=result.seed,
                weights=weights_of(result),
                loading=how_to_load(result.family),
            )
            write_text(self.path / "README.md", readme)
        content = {"family": result.family, "hyperparameters": result.hyperparameters}
        write_text(
            self.path / "hyperparameters.yaml",
            yaml.safe_dump(content, sort_keys=False, allow_unicode=True),
        )
        self._write_record("comparison.json", comparison)
        self._write_record("environment.json", environment)
        self._write_record("result.json", result)

    def keep_weights(self, trial: int) -> None:
        """Move the training's kept weights here; raises OutputError."""
        copy_file(self.training.weights(trial), self.checkpoint)
        self.training.drop_checkpoints(trial)

    def write_test_report(self, report: TestReport) -> None:
        """Write test_report.json; raises OutputError."""
        self._write_record("test_report.json", report)

    def _write_record(self, name: str, record: Frozen) -> None:
        write_text(self.path / name, record.model_dump_json(indent=2) + "\n")


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
