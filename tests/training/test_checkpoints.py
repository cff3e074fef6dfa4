"""The state's file: what is damaged, foreign or half-written costs epochs, never the trial."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import zipfile

import pytest
from interrupted_trials import (
    CNN,
    EPOCHS,
    assert_equal_ends,
    crash_after,
    in_folder,
    of_epochs,
    train,
)

from hpo_torch.training.checkpoints import STATE_FILE
from hpo_torch.training.train_trial import train_trial


def truncated(content):
    return content[: len(content) // 2]


def flipped(content):
    """One bit of the largest part, weights or moments, is another one."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        largest = max(archive.infolist(), key=lambda part: part.file_size)
    place = largest.header_offset + largest.file_size // 2
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def empty(content):
    return b""


def another_file(content):
    return json.dumps({"what": "else"}).encode()


@pytest.mark.parametrize("damage", [truncated, flipped, empty, another_file])
def test_damaged_state_is_ignored(make_job, tmp_path, caplog, damage):
    job = make_job(**CNN)
    whole = train(in_folder(job, tmp_path / "whole"))
    folder = tmp_path / "trial"
    crash_after(in_folder(job, folder), 2)
    path = folder / STATE_FILE
    path.write_bytes(damage(path.read_bytes()))
    with caplog.at_level(logging.WARNING):
        events = train(in_folder(job, folder, known_epochs=2))
    assert f"trial 0 starts anew: {path} cannot be gone on from" in caplog.text
    assert events[0].epochs_done == 0
    assert of_epochs(events) == of_epochs(whole)
    assert_equal_ends(events, folder, whole, tmp_path / "whole")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"seed": 2}, "seed"),
        ({"split_seed": 2}, "split_seed"),
        ({"objective": "accuracy"}, "objective"),
    ],
)
def test_state_of_another_training_is_ignored(make_job, tmp_path, caplog, change, word):
    job = in_folder(make_job(**CNN), tmp_path / "trial")
    crash_after(job, 2)
    with caplog.at_level(logging.WARNING):
        events = train(job.model_copy(update=change))
    assert f"it belongs to another training (differing: {word})" in caplog.text
    assert events[0].epochs_done == 0
    assert len(of_epochs(events)) == EPOCHS


def test_state_of_other_hyperparameters_is_ignored(make_job, tmp_path, caplog):
    crash_after(in_folder(make_job(**CNN), tmp_path / "trial"), 2)
    with caplog.at_level(logging.WARNING):
        events = train(in_folder(make_job(**CNN, filters=32), tmp_path / "trial"))
    assert "(differing: hyperparameters)" in caplog.text
    assert events[0].epochs_done == 0


def test_half_written_state_is_not_looked_at_and_removed(make_job, tmp_path):
    """A process killed while it writes leaves the last whole state, and half of the new one."""
    job = in_folder(make_job(**CNN), tmp_path / "trial")
    crash_after(job, 2)
    half = tmp_path / "trial" / f".{STATE_FILE}.4711-1.tmp"
    half.write_bytes(b"half")
    assert train(job.model_copy(update={"known_epochs": 2}))[0].epochs_done == 2
    assert not half.exists()


def test_without_output_dir_nothing_is_stored(make_job, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(make_job(epochs=1).model_copy(update={"output_dir": None}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of file sizes")
def test_full_disk_ends_the_trial_and_leaves_the_last_state(make_job, tmp_path):
    import resource

    job = in_folder(make_job(**CNN), tmp_path / "trial")
    crash_after(job, 2)
    events, limits = [], resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        train_trial(job, events.append, threading.Event(), worker="w")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (events[-1].outcome, events[-1].failure_kind) == ("failed", "backend")
    assert f"cannot write {tmp_path / 'trial' / STATE_FILE}" in events[-1].message
    assert [path.name for path in (tmp_path / "trial").iterdir()] == [STATE_FILE]
    assert train(job)[0].epochs_done == 2
