from __future__ import annotations

import threading

import pytest

from hpo_torch.testing.fake_training import FLOOD_ALERTS, FLOOD_BYTES, STATE_FILE, fake_job, train


def run(job, stop=None):
    events = []
    train(job, events.append, stop or threading.Event(), worker="w")
    return events


def epochs(events) -> list[int]:
    return [event.metrics.epoch for event in events if event.kind == "epoch_finished"]


def test_epoch_is_stored_before_it_is_emitted(tmp_path):
    stored = []

    def emit(event):
        if event.kind == "epoch_finished":
            stored.append((tmp_path / STATE_FILE).read_text())

    train(fake_job(0, epochs=2, output_dir=tmp_path), emit, threading.Event(), worker="w")
    assert stored == ['{"epochs": 1}', '{"epochs": 2}']


@pytest.mark.parametrize(
    ("stored", "known", "emitted"), [(0, 0, [1, 2, 3]), (2, 2, [3]), (2, 1, [2, 3]), (3, 3, [])]
)
def test_next_attempt_goes_on_and_reports_what_is_not_known(tmp_path, stored, known, emitted):
    if stored:
        (tmp_path / STATE_FILE).write_text(f'{{"epochs": {stored}}}')
    events = run(fake_job(0, epochs=3, output_dir=tmp_path, known_epochs=known))
    assert events[0].epochs_done == stored
    assert epochs(events) == emitted
    assert (events[-1].outcome, events[-1].kept_epoch) == ("completed", 3)
    assert events[-1].measurements.val_accuracy == 0.75  # 1 - 1 / (3 + 1)


def test_nothing_is_stored_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert epochs(run(fake_job(0))) == [1, 2]
    assert list(tmp_path.iterdir()) == []


def test_job_without_a_behaviour_completes():
    job = fake_job(0).model_copy(update={"hyperparameters": {"epochs": 1}})
    assert [event.kind for event in run(job)] == [
        "trial_started",
        "epoch_finished",
        "training_finished",
    ]


def test_stop_ends_before_the_next_epoch():
    stop = threading.Event()
    stop.set()
    events = run(fake_job(0), stop)
    assert epochs(events) == []
    assert events[-1].outcome == "stopped"


def test_flood_is_thousands_of_large_events_and_then_a_file(tmp_path):
    (tmp_path / "go").touch()
    events = run(fake_job(0, "flood", output_dir=tmp_path))
    assert FLOOD_ALERTS == len(events) - 2 >= 2000
    assert {len(event.message) for event in events[1:-1]} == {FLOOD_BYTES}
    assert (tmp_path / "flooded").exists()


def test_flood_needs_a_folder():
    with pytest.raises(ValueError, match="expected a job with an output_dir, got None"):
        run(fake_job(0, "flood"))
