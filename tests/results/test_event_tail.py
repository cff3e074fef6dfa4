from __future__ import annotations

import pytest

from hpo_torch.errors import OutputError
from hpo_torch.protocol.events import StudyFinished, StudyStarted
from hpo_torch.results.event_log import EventLog
from hpo_torch.results.event_tail import EventTail, RunTail


def started(time, purpose="search"):
    return StudyStarted(
        time=f"2026-11-25T10:20:{time:02d}+00:00", run="r", dataset="d", mode="simple",
        objective="val_accuracy", trials=1, backend="b", purpose=purpose,
    )  # fmt: skip


def finished(time):
    return StudyFinished(
        time=f"2026-11-25T10:20:{time:02d}+00:00", reason="done", completed=1, pruned=0, failed=0,
        best_trial=0, best_score=0.5, test_accuracy=None,
    )  # fmt: skip


def test_each_event_is_returned_once(tmp_path):
    tail = EventTail(tmp_path / "events.jsonl")
    assert tail.new() == []
    with EventLog(tmp_path / "events.jsonl") as log:
        first = log.append(started(1))
        assert tail.new() == [first]
        assert tail.new() == []
        second, third = log.append(started(2)), log.append(finished(3))
    assert tail.new() == [second, third]


def test_a_line_in_the_making_is_waited_for(tmp_path):
    path = tmp_path / "events.jsonl"
    line = started(1).model_dump_json().encode()
    path.write_bytes(line[:30])
    tail = EventTail(path)
    assert tail.new() == []
    path.write_bytes(line + b"\n")
    assert tail.new() == [started(1)]


def test_a_torn_line_that_the_next_process_cuts_off_is_never_an_event(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(started(1).model_dump_json().encode() + b'\n{"seq":2,"ti')
    tail = EventTail(path)
    assert tail.new() == [started(1)]
    with EventLog(path) as log:
        second = log.append(started(2))
    assert tail.new() == [second]


@pytest.mark.parametrize("replace", ["shorter", "removed"])
def test_a_log_that_is_gone_is_an_error(tmp_path, replace):
    path = tmp_path / "events.jsonl"
    path.write_bytes(started(1).model_dump_json().encode() + b"\n")
    tail = EventTail(path)
    tail.new()
    if replace == "shorter":
        path.write_bytes(b"")
    else:
        path.unlink()
    with pytest.raises(OutputError, match=r"events\.jsonl was (replaced|removed)"):
        tail.new()


def test_a_line_that_is_no_event_is_an_error(tmp_path):
    (tmp_path / "events.jsonl").write_bytes(b"{}\n")
    with pytest.raises(OutputError, match=r"events\.jsonl, behind byte 0"):
        EventTail(tmp_path / "events.jsonl").new()


def test_what_a_confirmation_said_comes_before_the_searchs_end(tmp_path, monkeypatch):
    """The search ends while a reader is between the two logs."""
    read = EventTail.new
    with EventLog(tmp_path / "s.jsonl") as search, EventLog(tmp_path / "c.jsonl") as confirmation:
        search.append(started(1))
        confirmation.append(started(2, "confirmation"))
        rest = [(confirmation, finished(3)), (search, finished(4))]

        def read_and_be_overtaken(tail):
            events = read(tail)
            while rest:
                log, event = rest.pop(0)
                log.append(event)
            return events

        monkeypatch.setattr(EventTail, "new", read_and_be_overtaken)
        tail = RunTail(tmp_path / "s.jsonl", tmp_path / "c.jsonl")
        first, second = tail.new(), tail.new()
    assert [event.time[17:19] for event in first] == ["01", "02", "03"]
    assert [event.time[17:19] for event in second] == ["04"]


def test_a_confirmation_stands_where_it_happened(tmp_path):
    with EventLog(tmp_path / "s.jsonl") as search, EventLog(tmp_path / "c.jsonl") as confirmation:
        search.append(started(1))
        confirmation.append(started(2, "confirmation"))
        confirmation.append(finished(3))
        search.append(finished(4))
    events = RunTail(tmp_path / "s.jsonl", tmp_path / "c.jsonl").new()
    assert [(event.kind, event.time[17:19]) for event in events] == [
        ("study_started", "01"),
        ("study_started", "02"),
        ("study_finished", "03"),
        ("study_finished", "04"),
    ]
