from __future__ import annotations

import threading
from multiprocessing import Pipe

import pydantic
import pytest

from hpo_torch.protocol.events import HealthAlert, parse_event
from hpo_torch_local import outbox
from hpo_torch_local.outbox import Outbox

LARGE = "x" * 100_000  # a few of these fill any pipe


def alert(epoch: int, message: str = "") -> HealthAlert:
    return HealthAlert(trial=0, attempt="a", epoch=epoch, message=message)


@pytest.fixture
def pipe():
    ours, theirs = Pipe()
    yield ours, theirs
    ours.close()


def read(connection, count):
    return [parse_event(connection.recv_bytes()).epoch for _ in range(count)]


def test_emit_does_not_wait_for_a_reader_and_keeps_the_order(pipe):
    ours, theirs = pipe
    box = Outbox(theirs)
    for epoch in range(1, 101):
        box.emit(alert(epoch, LARGE))  # 10 MB; would block here for ever
    assert read(ours, 100) == list(range(1, 101))


def test_report_is_in_the_pipe_when_emit_returns(pipe, monkeypatch):
    monkeypatch.setattr(outbox, "PROMPT_SECONDS", 60.0)  # however slow this machine is
    ours, theirs = pipe
    box = Outbox(theirs)
    for epoch in (1, 2, 3):
        box.emit(alert(epoch))
        assert ours.poll(0)
        assert read(ours, 1) == [epoch]


def test_only_the_first_report_waits_for_a_full_pipe(pipe, monkeypatch):
    waits = []
    wait = threading.Event.wait
    monkeypatch.setattr(outbox, "PROMPT_SECONDS", 0.123)
    monkeypatch.setattr(
        threading.Event, "wait", lambda self, timeout=None: waits.append(timeout) or wait(self, 0.2)
    )
    ours, theirs = pipe
    box = Outbox(theirs)
    for epoch in range(1, 101):
        box.emit(alert(epoch, LARGE))
    assert 1 <= waits.count(0.123) < 10  # those that the pipe took, and the first that it did not
    assert read(ours, 100) == list(range(1, 101))


def test_flush_returns_when_all_is_read(pipe):
    ours, theirs = pipe
    box = Outbox(theirs)
    for epoch in range(1, 51):
        box.emit(alert(epoch, LARGE))
    flushed = threading.Event()
    flushing = threading.Thread(target=lambda: (box.flush(), flushed.set()))
    flushing.start()
    assert not flushed.is_set()  # 5 MB fit into no pipe
    assert read(ours, 50) == list(range(1, 51))
    flushing.join(30.0)
    assert flushed.is_set()


def test_silenced_outbox_sends_nothing_and_does_not_wait(pipe):
    ours, theirs = pipe
    box = Outbox(theirs)
    box.silence()
    box.emit(alert(1))
    box.flush()
    assert not ours.poll(0.1)


def test_unreadable_report_is_refused(pipe):
    box = Outbox(pipe[1])
    with pytest.raises(pydantic.ValidationError):
        box.emit(alert(1).model_copy(update={"epoch": None}))
