from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hpo_torch.protocol.measurements import EpochMetrics, HealthReading
from hpo_torch_health.accuracy_consistency import AccuracyConsistency
from hpo_torch_health.convergence_quality import ConvergenceQuality

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@pytest.fixture
def read(make_record: Callable) -> Callable[[type, Sequence[float]], HealthReading]:
    """A metric's reading of validation accuracies."""

    def score(metric: type, accuracies: Sequence[float]) -> HealthReading:
        epochs = [
            EpochMetrics(
                epoch=number,
                train_loss=1.0,
                train_accuracy=0.5,
                val_loss=1.0,
                val_accuracy=accuracy,
                learning_rate=0.1,
                seconds=1.0,
            )
            for number, accuracy in enumerate(accuracies, start=1)
        ]
        reading: HealthReading = metric().score(make_record(epochs=epochs))
        return reading

    return score


def test_convergence_quality_by_hand(read: Callable) -> None:
    # Rises by 0.1 (x 5 = 0.5); the last five are 0.5 0.6 0.6 0.6 0.6: mean 0.58, var 0.0016.
    reading = read(ConvergenceQuality, (0.5, 0.5, 0.6, 0.6, 0.6, 0.6))
    calm = 1 / (1 + 20 * 0.0016)
    assert reading.value == pytest.approx(0.6 * 0.6 + 0.3 * 0.5 + 0.1 * calm)
    assert reading.details == pytest.approx({"accuracy": 0.6, "improvement": 0.5, "calm": calm})


def test_convergence_quality_below_five_epochs_leaves_calm_out(read: Callable) -> None:
    reading = read(ConvergenceQuality, (0.5, 0.55, 0.6))
    assert reading.value == pytest.approx((0.6 * 0.6 + 0.3 * 0.5) / 0.9)
    assert set(reading.details) == {"accuracy", "improvement"}


@pytest.mark.parametrize(("accuracies", "value"), [((0.5, 1, 1, 1, 1, 1), 1.0), ((0,) * 5, 0.1)])
def test_convergence_quality_at_its_ends(
    read: Callable, accuracies: tuple[float, ...], value: float
) -> None:
    assert read(ConvergenceQuality, accuracies).value == pytest.approx(value)


def test_accuracy_consistency_by_hand(read: Callable) -> None:
    # Mean 0.5, deviations 0.1: cv = 0.2, so 1 / (1 + 2).
    reading = read(AccuracyConsistency, (0.4, 0.6, 0.4, 0.6, 0.4, 0.6))
    assert reading.value == pytest.approx(1 / 3)
    assert read(AccuracyConsistency, (0.7,) * 5).value == pytest.approx(1.0)


def test_accuracy_consistency_takes_learning_for_a_fault(read: Callable) -> None:
    learns, stays = (0.3, 0.6, 0.8, 0.9, 0.9), (0.1,) * 5
    assert read(AccuracyConsistency, learns).value < read(AccuracyConsistency, stays).value


@pytest.mark.parametrize(
    ("metric", "accuracies", "reason"),
    [
        (ConvergenceQuality, (0.5, 0.6), "needs 3 epochs, there were 2"),
        (AccuracyConsistency, (0.5,) * 4, "needs 5 epochs, there were 4"),
        (AccuracyConsistency, (0.0,) * 5, "validation accuracy is 0 in every epoch"),
    ],
)
def test_too_little_to_judge_is_none_with_a_reason(
    read: Callable, metric: type, accuracies: tuple[float, ...], reason: str
) -> None:
    assert read(metric, accuracies) == HealthReading(reason=reason)
