"""A run's trials, epochs and health as pandas frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpo_torch.errors import MissingDependencyError
from hpo_torch.protocol.measurements import EpochMetrics
from hpo_torch.results.health_metrics import metric_weights
from hpo_torch.results.tables import trial_row, trials_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from hpo_torch.config.schema import HealthSettings
    from hpo_torch.results.records import TrialResult

_HEALTH = ["value", "weight", "reason"]


def trials_frame(trials: Sequence[TrialResult]) -> pd.DataFrame:
    """Return a row per trial with the columns of trials.csv, by the trial's number.

    Raises:
        MissingDependencyError: pandas is not installed.
    """
    rows = [trial_row(trial) for trial in trials]
    frame = _pandas().DataFrame(rows, columns=trials_columns(trials))
    return frame.rename(columns={"number": "trial"}).set_index("trial")


def epochs_frame(trials: Sequence[TrialResult]) -> pd.DataFrame:
    """Return a row per epoch by trial and epoch; the columns are the fields of `EpochMetrics`.

    Raises:
        MissingDependencyError: pandas is not installed.
    """
    rows = [
        {"trial": trial.trial, **epoch.model_dump()} for trial in trials for epoch in trial.epochs
    ]
    columns = ["trial", *EpochMetrics.model_fields]
    return _pandas().DataFrame(rows, columns=columns).set_index(["trial", "epoch"])


def health_frame(trials: Sequence[TrialResult], settings: HealthSettings) -> pd.DataFrame:
    """Return a row per health reading by trial and metric: value 0..1, weight, and reason.

    A value is missing where nothing was measured; the reason says why. A weight is missing where
    the metric's plugin is not installed.

    Raises:
        MissingDependencyError: pandas is not installed.
    """
    weights = metric_weights(settings)
    rows: list[dict[str, Any]] = [
        {
            "trial": trial.trial,
            "metric": name,
            "value": reading.value,
            "weight": weights.get(name),
            "reason": reading.reason,
        }
        for trial in trials
        if trial.measurements is not None
        for name, reading in trial.measurements.health.items()
    ]
    frame = _pandas().DataFrame(rows, columns=["trial", "metric", *_HEALTH])
    numbers = {"value": float, "weight": float}
    return frame.astype(numbers).set_index(["trial", "metric"])


def _pandas() -> Any:
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "the frames of a result need pandas: pip install 'hpo-torch[pandas]'"
        ) from error
    return pd
