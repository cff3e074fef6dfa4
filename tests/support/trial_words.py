"""What a worker says of a trial, made by hand."""

from __future__ import annotations

from hpo_torch.protocol.events import EpochFinished, HealthAlert, TrainingFinished, TrialStarted
from hpo_torch.testing.fake_training import fake_metrics


def started(job, *, time="2026-11-28T10:00:00.000+00:00", device="cuda:0 (NVIDIA L4)"):
    return TrialStarted(
        trial=job.trial,
        attempt=job.attempt,
        time=time,
        worker="w",
        device=device,
        precision="32-true",
        hyperparameters={},
        parameters=1,
        epochs=9,
    )


def epoch(job, number):
    metrics = fake_metrics(number)
    so_far = {
        "val_accuracy": metrics.val_accuracy,
        "val_loss": metrics.val_loss,
        "last_val_accuracy": metrics.val_accuracy,
        "skill": 0.5,
        "parameters": 1,
        "training_seconds": 0.0,
    }
    return EpochFinished(
        trial=job.trial, attempt=job.attempt, epochs=9, metrics=metrics, so_far=so_far
    )


def alert(job, message="dying units", number=1):
    return HealthAlert(trial=job.trial, attempt=job.attempt, epoch=number, message=message)


def finished(job, outcome="completed", *, time="2026-11-28T10:00:03.000+00:00", **more):
    return TrainingFinished(
        trial=job.trial, attempt=job.attempt, outcome=outcome, time=time, **more
    )


def brief(events):
    """Return events in few words: "started", 1, 2, "completed"."""
    words = []
    for event in events:
        match event:
            case TrialStarted():
                words.append("started")
            case EpochFinished():
                words.append(event.metrics.epoch)
            case HealthAlert():
                words.append(event.message)
            case TrainingFinished():
                words.append(event.failure_kind or event.outcome)
    return words
