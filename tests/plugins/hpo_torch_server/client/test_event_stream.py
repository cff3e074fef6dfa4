from __future__ import annotations

import pytest
from told_lines import lines

from hpo_torch.plugin_api import HpoTorchError
from hpo_torch_server.client import event_stream
from hpo_torch_server.client.event_stream import EventStream
from hpo_torch_server.client.refusals import AbsentError, ServerError, UnreachableError

PATH = "/jobs/the-run/events"
LATER = "2099-01-01T00:00:00.000+00:00"


class Watching:
    """Everything that a stream said."""

    def __init__(self, connection, job="the-run"):
        self.notes, self.states, self.seen, self.earlier = [], [], [], []
        self.stream = EventStream(
            connection, job, note=self.notes.append, told_state=self.states.append
        )

    def run(self):
        for events, earlier in self.stream.told():
            self.seen += [event.seq for event in events]
            self.earlier += [earlier for _ in events]
        return self.seen


@pytest.fixture
def watching(connection):
    return Watching(connection)


def test_every_event_is_told_once_and_the_end_ends_it(api, watching):
    api.events = lines(5)
    assert watching.run() == [1, 2, 3, 4, 5]
    assert watching.states == ["running", "completed"]
    assert watching.stream.state == "completed"
    assert watching.notes == []


@pytest.mark.parametrize("after", [0, 40, 100, 700])
def test_broken_connection_is_made_again_without_gap_or_repeat(api, watching, after):
    api.events = lines(12)
    whole = len("".join(api.events))
    api.cuts[PATH] = [after, whole // 2, 10, whole // 3]
    assert watching.run() == list(range(1, 13))
    assert len(api.asked("GET", PATH)) == 5
    assert [note[:28] for note in watching.notes] == ["connection lost, trying agai", ""] * 4


def test_it_comes_again_with_the_last_number(api, watching):
    api.events = lines(4)
    api.cuts[PATH] = [len(api.events[0]) + 200]
    watching.run()
    first, second = api.asked("GET", PATH)
    assert "Last-Event-ID" not in first
    assert second["Last-Event-ID"] == "1"


def test_past_and_present_are_told_apart_by_the_servers_clock(api, watching):
    api.events = [*lines(3)[:2], lines(3, LATER)[2]]
    watching.run()
    assert watching.earlier == [True, True, False]


def test_lost_server_is_given_up_after_patience(api, watching, monkeypatch):
    monkeypatch.setattr(event_stream, "PATIENCE_SECONDS", 0.1)
    api.answers[PATH] = [(503, {}, {"detail": "the server is stopping"})] * 100
    with pytest.raises(UnreachableError, match="the server is stopping"):
        watching.run()


def test_good_events_renew_patience(api, watching, monkeypatch):
    monkeypatch.setattr(event_stream, "PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(api, "on_request", lambda *_: __import__("time").sleep(0.1))
    api.events = lines(12)
    each = len(api.events[3]) + 60
    api.cuts[PATH] = [each + 200] * 20
    assert watching.run() == list(range(1, 13))


def test_refusal_ends_it_at_once(api, watching):
    api.answers[PATH] = [(404, {}, {"detail": "there is no job 'the-run'"})]
    with pytest.raises(AbsentError, match="there is no job"):
        watching.run()
    assert len(api.requests) == 1


def test_something_else_that_answers_is_said_to_be_none(api, watching):
    api.answers[PATH] = [(200, {"Content-Type": "text/html"}, {})]
    with pytest.raises(ServerError, match="expected a stream of events, got text/html"):
        watching.run()


def test_gap_in_the_log_is_not_passed_over(api, watching):
    api.events = [*lines(3)[:1], *lines(3)[2:]]
    with pytest.raises(HpoTorchError, match="expected event 2 of the-run, got 3"):
        watching.run()


def test_event_of_another_version_is_said_to_be_one(api, watching):
    api.events = ['{"kind": "coffee_made", "seq": 1}']
    with pytest.raises(HpoTorchError, match="another version of hpo-torch"):
        watching.run()
