from __future__ import annotations

import json
import threading
import time

import pytest

from hpo_torch.cli import watch
from hpo_torch.config.schema import RunConfig
from hpo_torch.protocol.events import StudyFinished, StudyStarted, TrialFinished
from hpo_torch.results.confirmation import confirmation_dir
from hpo_torch.results.event_log import EventLog
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.run_lock import run_lock


def started(purpose="search"):
    return StudyStarted(
        run="r", dataset="digits", mode="simple", objective="val_accuracy", trials=1, backend="b",
        purpose=purpose,
    )  # fmt: skip


def trial():
    return TrialFinished(
        trial=0, attempt="a", state="complete", score=0.5, best=True, leader=0, epochs_run=1,
        seconds=1.0,
    )  # fmt: skip


def finished():
    return StudyFinished(
        reason="done", completed=1, pruned=0, failed=0, best_trial=0, best_score=0.5,
        test_accuracy=None,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(watch, "PATIENCE_SECONDS", 0.05)


@pytest.fixture
def run(tmp_path):
    run = RunDirectory.create(tmp_path / "runs", "x")
    run.write_config(RunConfig())
    return run


def test_finished_run_is_told_from_its_beginning_to_its_end(cli, run):
    with EventLog(run.events) as log:
        for event in (started(), trial(), finished()):
            log.append(event)
    result = cli("watch", "x")
    assert result.code == 0
    assert "trial 0: complete  score 0.5000  1 epochs" in result.out
    assert "hpo-torch show" in result.out  # the outcome follows


def test_json_is_the_log_line_by_line(cli, run):
    with EventLog(run.events) as log:
        for event in (started(), trial(), finished()):
            log.append(event)
    result = cli("watch", "x", "--json")
    assert result.out == run.events.read_text()


def test_what_happens_while_it_watches_is_told_and_the_end_ends_it(cli, run):
    def work():
        with run_lock(run.path), EventLog(run.events) as log:
            log.append(started())
            time.sleep(0.2)
            with EventLog(confirmation_dir(run.path) / "events.jsonl") as confirmation:
                confirmation.append(started("confirmation"))
                confirmation.append(finished())
            time.sleep(0.2)
            log.append(finished())

    worker = threading.Thread(target=work)
    worker.start()
    result = cli("watch", "x", "--json")
    worker.join()
    kinds = [json.loads(line)["kind"] for line in result.out.splitlines()]
    assert kinds == ["study_started", "study_started", "study_finished", "study_finished"]
    assert result.code == 0


def test_run_that_nobody_works_on_is_said_to_be_so(cli, run):
    with EventLog(run.events) as log:
        log.append(started())
    result = cli("watch", "x")
    assert result.code == 1
    assert "no process works on" in result.err
    assert "hpo-torch resume" in result.err


def test_ctrl_c_stops_watching(cli, run, monkeypatch):
    with EventLog(run.events) as log:
        log.append(started())

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(watch.time, "sleep", interrupt)
    result = cli("watch", "x")
    assert result.code == 0
    assert "no longer watching" in result.err


def test_unknown_run_is_named(cli, run):
    result = cli("watch", "y")
    assert result.code == 2
    assert "unknown run 'y'" in result.err
