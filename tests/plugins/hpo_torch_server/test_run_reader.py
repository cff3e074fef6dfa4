from __future__ import annotations

import shutil

import pytest
from told_run import ToldRun

from hpo_torch.plugin_api import InvalidValueError, OutputError
from hpo_torch_server.run_reader import RunReader
from hpo_torch_server.states import JobState
from hpo_torch_server.trial_pages import Wanted


@pytest.fixture
def run(tmp_path):
    made = ToldRun(tmp_path)
    made.begin()
    made.end(0)
    return made


def total(reader, name="first"):
    return reader.get(name).page(Wanted(), 10, None).total


def test_a_run_stays_in_memory_and_up_to_date(run, tmp_path):
    reader = RunReader(tmp_path)
    index = reader.get("first")
    run.end(1)
    assert reader.get("first") is index
    assert total(reader) == 2


def test_the_runs_that_were_asked_for_last_stay(run, tmp_path):
    for name in ("second", "third"):
        ToldRun(tmp_path, name).begin()
    reader = RunReader(tmp_path, kept=2)
    first, second = reader.get("first"), reader.get("second")
    reader.get("first")
    reader.get("third")  # takes the place of the second
    assert reader.get("first") is first
    assert reader.get("second") is not second


def test_another_run_of_the_same_name_is_another_run(run, tmp_path):
    reader = RunReader(tmp_path)
    assert total(reader) == 1
    moved = tmp_path / "elsewhere"
    run.path.rename(moved)  # its inode stays taken
    assert total(reader) == 0
    again = ToldRun(tmp_path)
    again.begin()
    assert total(reader) == 0
    shutil.rmtree(moved)


def test_a_run_may_come_to_be_later(tmp_path):
    reader = RunReader(tmp_path)
    assert reader.get("late").progress().message == "has not begun"
    run = ToldRun(tmp_path, "late")
    run.begin()
    run.end(0)
    assert total(reader, "late") == 1


def test_a_damaged_run_is_read_anew_once_it_is_mended(run, tmp_path):
    reader = RunReader(tmp_path)
    reader.get("first")
    events = run.directory.events.read_bytes()
    run.directory.events.write_bytes(b"")
    with pytest.raises(OutputError, match="was replaced while it was read"):
        reader.get("first")
    assert total(reader) == 0
    run.directory.events.write_bytes(events)
    assert total(reader) == 1


def test_a_run_is_dropped_when_it_is_to_be_forgotten(run, tmp_path):
    reader = RunReader(tmp_path)
    index = reader.get("first")
    reader.forget("first")
    reader.forget("first")
    assert reader.get("first") is not index


@pytest.mark.parametrize("name", ["..", ".server", "a/b", "/etc", "a\\b", "a\0b", ""])
def test_no_name_leads_out_of_the_folder(tmp_path, name):
    reader = RunReader(tmp_path / "runs")
    for ask in (reader.get, reader.state_of):
        with pytest.raises(InvalidValueError):
            ask(name)


def test_a_runs_state_is_told_by_its_folder(run, tmp_path):
    reader = RunReader(tmp_path)
    assert reader.state_of("first")[0] is JobState.FAILED  # its process died
    run.finish()
    assert reader.state_of("first") == (JobState.COMPLETED, None)
