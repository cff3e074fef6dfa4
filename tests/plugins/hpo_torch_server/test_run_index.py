from __future__ import annotations

import threading

import pytest
from told_run import ToldRun

from hpo_torch.plugin_api import OutputError
from hpo_torch.results.confirmation import confirmation_dir
from hpo_torch.results.event_log import EventLog
from hpo_torch.results.run_lock import run_lock
from hpo_torch_server.run_index import RunIndex
from hpo_torch_server.trial_pages import Wanted


@pytest.fixture
def run(tmp_path):
    return ToldRun(tmp_path)


@pytest.fixture
def index(run):
    return RunIndex(run.path)


def refreshed(index):
    index.refresh()
    return index


def states(index):
    page = refreshed(index).page(Wanted(), 100, None)
    return {row["number"]: row["state"] for row in page.rows}


def test_a_run_that_has_not_begun_has_nothing(tmp_path):
    index = refreshed(RunIndex(tmp_path / "queued"))
    progress = index.progress()
    assert (progress.total, progress.finished, progress.training) == (None, 0, [])
    assert progress.message == "has not begun"
    assert index.page(Wanted(), 10, None).total == 0
    assert index.columns().plain.startswith(b'{"seq":0,"count":0,')


def test_trials_appear_as_they_go_on(run, index):
    run.begin()
    run.start(0)
    with run_lock(run.path):
        assert states(index) == {0: "running"}
        run.end(0)
        run.start(1)
        assert states(index) == {0: "complete", 1: "running"}
    assert states(index) == {0: "complete", 1: "unfinished"}  # its process is gone


def test_a_trial_so_far_has_the_figures_of_its_last_epoch(run, index):
    run.begin()
    run.start(0, learning_rate=0.5)
    run.epoch(0, 1, accuracy=0.25, score=0.125)
    row = refreshed(index).row_of(0)
    assert (row["score"], row["val_accuracy"], row["epochs"]) == (0.125, 0.25, 1)
    assert (row["param_learning_rate"], row["gradient_health"]) == (0.5, 0.5)
    assert (row["seconds"], row["kept_epoch"], row["attempts"]) == (None, None, 1)
    assert index.row_of(1) is None
    assert index.open_trial(1) is None


def test_who_trains_is_known_only_while_a_process_works(run, index):
    run.begin()
    run.start(2)
    run.start(1)
    run.epoch(2, 1)
    with run_lock(run.path):
        training = refreshed(index).training()
        assert [each.trial.number for each in training] == [1, 2]
        assert [len(each.trial.curve) for each in training] == [0, 1]
        assert {each.purpose for each in training} == {"search"}
    assert refreshed(index).training() == []


def test_progress_counts_and_leads(run, index):
    run.begin()
    run.end(0, score=0.5)
    run.end(1, score=0.75)
    run.end(2, "pruned", 0.25)
    run.end(3, "failed", None)
    run.start(4)
    with run_lock(run.path):
        progress = refreshed(index).progress()
    assert (progress.total, progress.finished) == (10, 4)
    assert progress.counts == {"complete": 2, "pruned": 1, "failed": 1}
    assert (progress.leader, progress.best_score) == (1, 0.75)
    assert progress.message == "4 of 10 trials have ended, 1 in training"
    assert refreshed(index).progress().message == (
        "4 of 10 trials have ended; no process works on it"
    )


def test_seconds_are_those_that_processes_worked(run, index):
    run.begin()
    run.end(0)
    run.end(1)
    assert refreshed(index).progress().seconds == 2.0
    with run_lock(run.path):  # still at it: until now, which is long after these events
        assert refreshed(index).progress().seconds > 2.0


def test_a_confirmation_is_part_of_the_run(run, index):
    run.begin()
    run.end(0)
    repeated = ToldRun(run.path, "confirmation")
    repeated.begin(purpose="confirmation", trials=3)
    repeated.start(0)
    with run_lock(run.path):
        progress = refreshed(index).progress()
    assert [(each.purpose, each.trial.number) for each in progress.training] == [
        ("confirmation", 0)
    ]
    assert progress.message == "confirming the best trials: 0 of 3 trainings have ended"
    assert progress.finished == 1  # its trainings are no trials of the search
    assert repeated.path == confirmation_dir(run.path)


def test_how_a_run_ended_is_its_message(run, index):
    run.begin()
    run.end(0)
    run.finish("the time is used up")
    assert refreshed(index).progress().message == "the time is used up"


def test_a_result_is_read_once(run, index):
    run.begin()
    run.end(0, score=0.5)
    refreshed(index)
    run.result(0, score=0.9)  # changed by hand: nobody tells
    run.end(1, score=0.1)
    assert refreshed(index).row_of(0)["score"] == 0.5


def test_a_trial_without_a_result_is_left_out(run, index):
    run.begin()
    run.end(0)
    run.end(1)
    (run.directory.trial_dir(0) / "result.json").unlink()
    assert states(index) == {1: "complete"}


def test_a_damaged_result_is_an_error_that_names_it(run, index):
    run.begin()
    run.end(0)
    (run.directory.trial_dir(0) / "result.json").write_text("{")
    with pytest.raises(OutputError, match=r"trials/0000/result\.json"):
        index.refresh()


def test_the_columns_say_up_to_which_event_they_go(run, index):
    run.begin()
    run.start(0)
    last = run.end(0)
    before = refreshed(index).columns()
    run.start(1)
    run.epoch(1, 1)
    assert refreshed(index).columns() is before  # nothing that it shows has changed
    assert before.plain.startswith(f'{{"seq":{last.seq},"count":1,'.encode())
    run.end(1)
    assert refreshed(index).columns().digest != before.digest


def test_trends_are_made_once_for_each_state(run, index):
    run.begin()
    run.end(0)
    found = refreshed(index).trends(4, 25)
    assert index.trends(4, 25) is found
    assert index.trends(3, 25) is not found
    run.end(1)
    assert refreshed(index).trends(4, 25).completed == 2


def test_threads_may_share_it(run, index):
    """Readers see whole trials only, while one writes and all refresh."""
    run.begin()
    stop, wrong = threading.Event(), []

    def read():
        while not stop.is_set():
            index.refresh()
            page = index.page(Wanted(), 1000, None)
            if page.total != len(page.rows) or any(row["score"] is None for row in page.rows):
                wrong.append(page)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(40):
        run.end(number)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert refreshed(index).page(Wanted(), 1000, None).total == 40


def test_a_line_in_the_making_is_waited_for(run, index):
    run.begin()
    whole = run.directory.events.read_bytes()
    run.directory.events.write_bytes(whole + b'{"seq":2,"ti')
    assert states(index) == {}
    with EventLog(run.directory.events):  # who goes on cuts it off
        pass
    assert states(index) == {}
    assert index.progress().total == 10
