from __future__ import annotations

from types import SimpleNamespace

import pytest

from hpo_torch_runpod.cancelling import Cancelling
from hpo_torch_runpod.endpoint_client import NotFoundError, RefusedError, UnreachableError


class Client:
    """Takes cancels, or raises what a test lines up."""

    def __init__(self, *errors):
        self.errors, self.cancelled, self.patience = list(errors), [], 30.0

    def cancel(self, job):
        self.cancelled.append(job)
        if self.errors:
            raise self.errors.pop(0)


def cancelling(client):
    now = SimpleNamespace(seconds=100.0)
    return Cancelling(client, lambda: now.seconds), now


def test_what_is_not_wanted_is_not_done_and_what_is_done_not_repeated():
    client = Client()
    made, now = cancelling(client)
    made.ask_if_wanted("j")
    assert (client.cancelled, made.waited) == ([], 0.0)
    made.want()
    now.seconds = 103.0
    made.want()
    assert made.waited == 3.0
    made.ask_if_wanted("j")
    made.ask_if_wanted("j")
    assert (client.cancelled, made.taken_at) == (["j"], 103.0)


@pytest.mark.parametrize("error", [NotFoundError("404"), RefusedError("400")])
def test_a_refusal_is_no_error_and_is_asked_again(error):
    client = Client(error)
    made, _ = cancelling(client)
    made.want()
    made.ask_if_wanted("j")
    assert made.taken_at is None
    made.ask_if_wanted("j")
    assert made.taken_at == 100.0


def test_silence_is_an_error_unless_nobody_cares_any_more():
    client = Client(UnreachableError("503"), UnreachableError("503"))
    made, _ = cancelling(client)
    made.want()
    with pytest.raises(UnreachableError):
        made.ask_if_wanted("j")
    assert client.patience == 30.0
    assert made.insist("j") is False
    assert client.patience == 5.0
    assert made.insist("j") is True
    assert len(client.cancelled) == 3
