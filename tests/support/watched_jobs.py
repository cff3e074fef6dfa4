"""Jobs whose states a test sets, and what watchers of them hear."""

from __future__ import annotations

from contextlib import asynccontextmanager

from hpo_torch_server.hub import EventHub
from hpo_torch_server.watcher import Events, StateIs

POLL = 0.005
LONG = 90.0  # seconds; a test that waits for so long has failed


class Jobs:
    """Jobs whose states a test sets."""

    def __init__(self, output_dir):
        self.output_dir = output_dir
        self.states = {"run": "running"}
        self.asked = 0

    def state_of(self, job):
        self.asked += 1
        return self.states.get(job)

    def log(self, job="run"):
        (self.output_dir / job).mkdir(exist_ok=True)
        return self.output_dir / job / "events.jsonl"


@asynccontextmanager
async def hub_of(jobs, **options):
    hub = EventHub(jobs.output_dir, jobs.state_of, poll_seconds=POLL, **options)
    yield hub
    hub.close()


async def hear(watcher, count=1):
    """The next messages."""
    messages = [await watcher.next(LONG) for _ in range(count)]
    assert None not in messages
    return messages


async def hear_events(watcher, until):
    """The raw lines up to a number, whatever else is said on the way."""
    lines = []
    while not lines or lines[-1].seq < until:
        (message,) = await hear(watcher)
        if isinstance(message, Events):
            lines += message.lines
        else:
            assert isinstance(message, StateIs)
    return lines


def numbers(lines):
    return [line.seq for line in lines]
