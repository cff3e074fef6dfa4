"""The events of a made-up search, as lines of its log."""

from __future__ import annotations

from hpo_torch.protocol.events import StudyFinished, StudyStarted, TrialFinished


def lines(count, time="2026-11-28T10:00:00.000+00:00"):
    """The log of a search of so many events, its end included."""
    events = [
        StudyStarted(
            run="r", dataset="digits", mode="simple", objective="val_accuracy", trials=9,
            backend="b",
        ),
        *(
            TrialFinished(
                trial=n, attempt="a", state="complete", score=0.5, epochs_run=1, seconds=1.0
            )
            for n in range(count - 2)
        ),
        StudyFinished(
            reason="done", completed=count - 2, pruned=0, failed=0, best_trial=0, best_score=0.5,
            test_accuracy=None,
        ),
    ]  # fmt: skip
    numbered = enumerate(events[:count], 1)
    return [e.model_copy(update={"seq": n, "time": time}).model_dump_json() for n, e in numbered]
