"""Many clients of one hub, and trouble with the disk: whatever happens, each has the log."""

from __future__ import annotations

import asyncio
import random
import threading

import pytest
from event_writer import begun, raw_lines, write, write_with_deaths
from watched_jobs import LONG, Jobs, hear_events, hub_of, numbers

from hpo_torch_server import growing_log
from hpo_torch_server.watcher import End, Events, Resync


@pytest.fixture
def jobs(tmp_path):
    return Jobs(tmp_path)


class Client:
    """Watches a run with pauses, and goes and comes again at random."""

    def __init__(self, hub, seed):
        self._hub, self._dice = hub, random.Random(seed)
        self.lines, self.resyncs = [], 0

    @property
    def last(self):
        return self.lines[-1].seq if self.lines else 0

    async def run(self):
        ended = False
        while not ended:
            await asyncio.sleep(self._dice.random() * 0.01)
            watcher = self._hub.watch("run", "me", self.last)
            ended = await self._listen(watcher, self._dice.choice([1, 3, 10, 1000]))
            watcher.close()

    async def _listen(self, watcher, count):
        """Hear so many messages; True where the last was the end."""
        for _ in range(count):
            match await watcher.next(self._dice.choice([0.001, LONG])):
                case Events(lines):
                    self.lines += lines
                case Resync(after):
                    assert after == self.last
                    self.resyncs += 1
                    return False
                case End():
                    return True
            if self._dice.random() < 0.3:
                await asyncio.sleep(self._dice.random() * 0.02)
        return False


@pytest.mark.parametrize("seed", range(6))
def test_every_client_has_exactly_the_log_whatever_happens(jobs, monkeypatch, seed):
    """Writers that die within lines, clients that come, go, and are slow; small bounds."""
    monkeypatch.setattr(growing_log, "RECENT_EVENTS", 7)
    monkeypatch.setattr(growing_log, "BATCH_BYTES", 400)
    monkeypatch.setattr(growing_log, "CHUNK_BYTES", 1500)
    path = jobs.log()

    def search():
        write_with_deaths(path, 300, seed, pause=0.002)
        jobs.states["run"] = "completed"

    async def watch():
        async with hub_of(jobs) as hub:
            clients = [Client(hub, 100 * seed + number) for number in range(12)]
            writer = threading.Thread(target=search)
            writer.start()
            await asyncio.wait_for(asyncio.gather(*(client.run() for client in clients)), LONG)
            writer.join()
            assert hub.watchers == 0
            return clients

    clients = asyncio.run(watch())
    wanted = raw_lines(path)
    assert len(wanted) == 300
    for client in clients:
        assert numbers(client.lines) == list(range(1, 301))
        assert [line.raw for line in client.lines] == wanted


def test_trouble_with_a_disk_or_database_is_logged_once_and_waited_out(jobs, caplog):
    write(jobs.log(), [begun()])
    healthy, looks = jobs.state_of, []

    def broken(job):
        looks.append(job)
        if len(looks) < 5:
            raise OSError("the database is away")
        return healthy(job)

    jobs.state_of = broken

    async def watch():
        async with hub_of(jobs) as hub:
            return await hear_events(hub.watch("run", "me"), 1)

    assert numbers(asyncio.run(watch())) == [1]
    said = [record.getMessage() for record in caplog.records if "watched" in record.getMessage()]
    assert len(said) == 1
    assert "the database is away" in said[0]
