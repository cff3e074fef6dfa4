from __future__ import annotations

import os
import shutil

import pytest
from job_program import make_run, summary_of
from told_study import TRIAL, epoch, study

from hpo_torch.config.schema import RunConfig
from hpo_torch.errors import OutputError
from hpo_torch.results.confirmation import confirmation_dir
from hpo_torch.results.event_log import EventLog
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.run_lock import run_lock
from hpo_torch_server.found_runs import FoundRuns
from hpo_torch_server.outcome import (
    ended,
    finished_epochs,
    read_summary,
    state_of_run,
    summary_time,
)

DONE = summary_of("a", "all trials done")


@pytest.mark.parametrize(
    ("summary", "state", "error"),
    [
        (DONE, "completed", None),
        (summary_of("a", "timeout", unfinished=1), "completed", None),
        (summary_of("a", "5 trials in a row failed"), "completed", None),
        (summary_of("a", "interrupted", unfinished=1), "stopped", None),
        (summary_of("a", "interrupted", best=None), "stopped", None),
        (summary_of("a", "all trials done", best=None), "failed", "no trial completed: all tr"),
        (summary_of("a", "timeout", best=None), "failed", "no trial completed: timeout"),
        (summary_of("a", "trial 3: no disk", unfinished=1), "failed", "the search broke off: tri"),
    ],
)
def test_summary_says_how_a_run_ended(summary, state, error):
    found, why = ended(summary)
    assert found == state
    assert why is None if error is None else why.startswith(error)


def test_run_with_a_process_goes_on_whatever_its_summary_says(tmp_path):
    path = make_run(tmp_path, "a", RunConfig(), TRIAL, DONE)
    with run_lock(path):
        assert state_of_run(path) == ("running", None)
    assert state_of_run(path) == ("completed", None)


def test_run_whose_process_died_has_failed_and_says_how_to_go_on(tmp_path):
    path = make_run(tmp_path, "a", RunConfig(), TRIAL[:3], None)
    assert state_of_run(path) == (
        "failed", f"its process died; to go on: hpo-torch resume {path}"
    )  # fmt: skip


def test_damaged_summary_is_told(tmp_path):
    path = make_run(tmp_path, "a", RunConfig(), TRIAL, DONE)
    (path / "summary.json").write_text("{}")
    state, error = state_of_run(path)
    assert state == "failed"
    assert "summary.json is no RunSummary" in error
    with pytest.raises(OutputError):
        read_summary(path)


def test_summaries_are_told_apart_by_their_time(tmp_path):
    path = make_run(tmp_path, "a", RunConfig(), TRIAL, None)
    assert (read_summary(path), summary_time(path)) == (None, None)
    RunDirectory(path).write_summary(DONE)
    os.utime(path / "summary.json", ns=(5, 1_234_567_890_123_456_789))
    assert read_summary(path) == DONE
    assert summary_time(path) == "1234567890123456789"


def test_epochs_are_counted_with_those_of_the_confirmation(tmp_path):
    assert finished_epochs(tmp_path / "none") == 0
    path = make_run(tmp_path, "a", RunConfig(), TRIAL, None)
    assert finished_epochs(path) == 2
    with EventLog(confirmation_dir(path) / "events.jsonl") as log:
        for event in (study("confirmation"), epoch(1)):
            log.append(event)
    assert finished_epochs(path) == 3


def test_found_run_is_looked_at_again_when_it_changes(tmp_path):
    runs = FoundRuns(tmp_path)
    path = make_run(tmp_path, "a", RunConfig(), TRIAL[:3], None)
    assert runs.get("a").state == "failed"
    with run_lock(path):
        assert runs.get("a").state == "running"
        (row,) = runs.all((), {"running"})
        assert row.ended is None
    RunDirectory(path).write_summary(DONE)
    assert runs.get("a").state == "completed"
    assert runs.get("a").ended is not None
    assert runs.all((), {"running"}) == []
    assert runs.all({"a"}, ()) == []
    shutil.rmtree(path)
    assert runs.get("a") is None
    assert runs.all((), ()) == []


@pytest.mark.parametrize("name", ["..", "", "a/../a", "/tmp", ".server", "a\x00"])
def test_what_is_no_runs_name_finds_nothing(tmp_path, name):
    make_run(tmp_path, "a", RunConfig(), TRIAL, None)
    assert FoundRuns(tmp_path).get(name) is None


def test_run_that_cannot_be_read_hides_no_other(tmp_path):
    make_run(tmp_path, "a", RunConfig(), TRIAL, None)
    make_run(tmp_path, "b", RunConfig(), TRIAL, None)
    (tmp_path / "a" / "config.yaml").write_text("search: {trials: none}")
    assert [row.id for row in FoundRuns(tmp_path).all((), ())] == ["b"]
