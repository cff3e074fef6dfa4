"""`--confirm`, killed and resumed, on real data."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from hpo_torch.results.event_log import read_events
from hpo_torch.training.saved_models import same_weights

FAST = ("--epochs", "2", "--fix", "filters=16", "--fix", "hidden_units=64", "--plots", "none")


@pytest.mark.slow
def test_confirmation_killed_by_kill_9_is_resumed_and_repeats_nothing(hpo_torch, tmp_path):
    kill_in_the_second_repetition(tmp_path)
    run = tmp_path / "runs/x"
    assert not (run / "summary.json").exists()
    result = hpo_torch("resume", "x")
    assert result.code == 0, result.err
    assert "Confirmed on fresh seeds" in result.out
    summary = json.loads((run / "summary.json").read_text())
    entry = summary["confirmation"]["trials"][0]
    assert (entry["scored"], len(set(entry["seeds"]))) == (3, 3)
    events = read_events(run / "confirmation/events.jsonl")
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    ended = [event.trial for event in events if event.kind == "trial_finished"]
    assert sorted(ended) == [0, 1, 2]
    epochs = [(e.trial, e.metrics.epoch) for e in events if e.kind == "epoch_finished"]
    assert sorted(epochs) == [(trial, epoch) for trial in range(3) for epoch in (1, 2)]
    saved = run / f"confirmation/trials/{summary['confirmation']['saved']:04d}/model.ckpt"
    assert same_weights(saved, run / "best_model/model.ckpt")
    assert sorted(entry["scores"])[1] == summary["best_score"]


def kill_in_the_second_repetition(tmp_path):
    arguments = ["optimize", "--json", "--trials", "2", "--confirm", "1", "--name", "x", *FAST]
    process = subprocess.Popen(
        [sys.executable, "-m", "hpo_torch.cli.app", *arguments],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    finished, confirming = 0, False
    for line in process.stdout:
        event = json.loads(line)
        confirming = confirming or event.get("purpose") == "confirmation"
        finished += confirming and event["kind"] == "trial_finished"
        # The second repetition is in flight.
        if finished == 1 and event["kind"] == "epoch_finished":
            os.kill(process.pid, signal.SIGKILL)
            break
    process.communicate()
