from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest

from hpo_torch.errors import OutputError
from hpo_torch.protocol.events import EpochFinished, HealthAlert, TrialRetried, TrialStarted
from hpo_torch.results.event_log import EventLog, read_ends, read_events


def alert(message="dead layer"):
    return HealthAlert(trial=1, attempt="1-1", epoch=2, message=message)


def test_append_numbers_events_from_one(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventLog(path) as log:
        returned = [log.append(alert(text)) for text in ("a", "b", "c")]
    assert [event.seq for event in returned] == [1, 2, 3]
    assert read_events(path) == returned


def test_append_is_on_disk_at_once(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventLog(path) as log:
        log.append(alert("a"))
        assert [event.message for event in read_events(path)] == ["a"]


def test_reopened_log_continues_its_numbers(tmp_path):
    path = tmp_path / "events.jsonl"
    for text in ("a", "b"):
        with EventLog(path) as log:
            log.append(alert(text))
    assert [(event.seq, event.message) for event in read_events(path)] == [(1, "a"), (2, "b")]


def test_torn_last_line_is_ignored_when_read_and_cut_when_reopened(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventLog(path) as log:
        log.append(alert("a"))
        log.append(alert("b"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    assert [event.message for event in read_events(path)] == ["a"]
    with EventLog(path) as log:
        assert log.append(alert("c")).seq == 2
    assert [(event.seq, event.message) for event in read_events(path)] == [(1, "a"), (2, "c")]


def test_log_torn_in_its_first_line_starts_anew(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text('{"seq": 1, "ki')
    with EventLog(path) as log:
        assert log.append(alert()).seq == 1
    assert len(path.read_text().splitlines()) == 1


def test_damaged_line_in_the_middle_is_named(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventLog(path) as log:
        log.append(alert())
    path.write_text(path.read_text() + "nonsense\n")
    with pytest.raises(OutputError, match=r"events.jsonl, line 2: "):
        read_events(path)
    with pytest.raises(OutputError, match=r"events.jsonl, line 2: "):
        EventLog(path)


def test_read_events_names_a_missing_file(tmp_path):
    with pytest.raises(OutputError, match=r"cannot read .*events.jsonl: No such file"):
        read_events(tmp_path / "events.jsonl")


def test_losses_that_are_not_finite_survive_as_strict_json(tmp_path, make_epoch, measurements):
    path = tmp_path / "events.jsonl"
    metrics = make_epoch(train_loss=math.nan, val_loss=math.inf)
    event = EpochFinished(trial=0, attempt="0-1", epochs=3, metrics=metrics, so_far=measurements)
    with EventLog(path) as log:
        log.append(event)

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    stored = json.loads(path.read_text(), parse_constant=refuse)
    assert (stored["metrics"]["train_loss"], stored["metrics"]["val_loss"]) == ("NaN", "Infinity")
    again = read_events(path)[0]
    assert isinstance(again, EpochFinished)
    assert math.isnan(again.metrics.train_loss)
    assert again.metrics.val_loss == math.inf


def test_line_separators_inside_a_message_do_not_split_lines(tmp_path):
    path = tmp_path / "events.jsonl"
    event = TrialStarted(
        trial=0,
        attempt="0-1",
        worker="w\n1\u2028",
        device="cpu",
        precision="32-true",
        hyperparameters={},
        parameters=1,
        epochs=1,
    )
    with EventLog(path) as log:
        log.append(event)
    assert read_events(path)[0].worker == "w\n1\u2028"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on file sizes")
def test_append_without_space_leaves_the_log_as_it_was(tmp_path):
    # A real refusal by the kernel, in the middle of the second line: 400 bytes hold one and a half.
    script = """
import resource, sys
from pathlib import Path
from hpo_torch.errors import OutputError
from hpo_torch.protocol.events import HealthAlert
from hpo_torch.results.event_log import EventLog

log = EventLog(Path(sys.argv[1]))
log.append(HealthAlert(trial=1, attempt="1-1", epoch=2, message="a" * 100))
resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))
try:
    log.append(HealthAlert(trial=1, attempt="1-1", epoch=2, message="b" * 300))
except OutputError as error:
    print(error)
print(log.append(HealthAlert(trial=1, attempt="1-1", epoch=2, message="c")).seq)
"""
    path = tmp_path / "events.jsonl"
    command = [sys.executable, "-c", script, str(path)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"cannot write {path}: File too large. Free some space" in output
    assert [(event.seq, event.message[0]) for event in read_events(path)] == [(1, "a"), (2, "c")]


def test_close_may_be_called_twice(tmp_path):
    log = EventLog(tmp_path / "events.jsonl")
    log.close()
    log.close()


def test_log_under_a_regular_file_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*events.jsonl"):
        EventLog(tmp_path / "file" / "events.jsonl")


def test_only_the_end_of_a_log_is_read_to_go_on_with_it(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventLog(path) as log:
        log.append(alert("a"))
    path.write_text(path.read_text() + "nonsense\n")
    with path.open("a") as file:
        file.write(alert("x" * 300_000).model_copy(update={"seq": 3}).model_dump_json() + "\n")
    with EventLog(path) as log:
        assert log.append(alert("b")).seq == 4
    lines = path.read_text().splitlines()
    assert (len(lines), lines[1]) == (4, "nonsense")


def test_what_a_run_came_to_is_read_without_its_trainings(tmp_path, make_epoch, measurements):
    path = tmp_path / "events.jsonl"
    words = {"trial": 1, "attempt": "1-1"}
    epoch = EpochFinished(**words, epochs=3, metrics=make_epoch(), so_far=measurements)
    retried = TrialRetried(
        **words, failure_kind="worker_died", message="no more", next_attempt="1-2"
    )
    with EventLog(path) as log:
        for event in (epoch, alert(), retried, epoch):
            log.append(event)
    (read,) = read_ends(path)
    assert (read.kind, read.seq) == ("trial_retried", 3)
    path.write_text(path.read_text().replace('"epochs":3', '"epochs":"three"') + "nonsense\n")
    with pytest.raises(OutputError, match=r"line 5: "):  # and not the first, which is not read
        list(read_ends(path))
