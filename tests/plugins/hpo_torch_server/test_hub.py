from __future__ import annotations

import asyncio
import random
import threading
from contextlib import asynccontextmanager

import pytest
from event_writer import alert, begun, raw_lines, write, write_with_deaths

from hpo_torch_server import growing_log
from hpo_torch_server.hub import EventHub
from hpo_torch_server.problems import Problem
from hpo_torch_server.watcher import Closed, End, Events, Resync, StateIs

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


@pytest.fixture
def jobs(tmp_path):
    return Jobs(tmp_path)


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


def test_state_then_the_past_then_the_present_then_the_end(jobs):
    write(jobs.log(), [begun(), alert(0)])

    async def watch():
        async with hub_of(jobs) as hub:
            watcher = hub.watch("run", "me")
            first, past = await hear(watcher, 2)
            write(jobs.log(), [alert(1)])
            (present,) = await hear(watcher)
            jobs.states["run"] = "completed"
            return [first, past, present, *await hear(watcher, 2)]

    first, past, present, state, end = asyncio.run(watch())
    assert first == StateIs("running")
    assert numbers(past.lines) == [1, 2]
    assert numbers(present.lines) == [3]
    assert (state, end) == (StateIs("completed"), End("completed"))


def test_a_job_that_waits_has_no_log_yet(jobs):
    jobs.states["run"] = "queued"

    async def watch():
        async with hub_of(jobs) as hub:
            watcher = hub.watch("run", "me")
            assert await hear(watcher) == [StateIs("queued")]
            jobs.states["run"] = "running"
            assert await hear(watcher) == [StateIs("running")]
            write(jobs.log(), [begun()])
            return await hear_events(watcher, 1)

    assert numbers(asyncio.run(watch())) == [1]


def test_an_ended_job_says_all_before_its_end(jobs):
    write(jobs.log(), [begun(), alert(0)])
    jobs.states["run"] = "stopped"

    async def watch(after):
        async with hub_of(jobs) as hub:
            messages = []
            watcher = hub.watch("run", "me", after)
            while not messages or not isinstance(messages[-1], End):
                messages += await hear(watcher)
            return messages

    events, *rest = asyncio.run(watch(0))
    assert numbers(events.lines) == [1, 2]
    assert rest == [StateIs("stopped"), End("stopped")]
    assert asyncio.run(watch(2)) == [StateIs("stopped"), End("stopped")]


def test_what_was_written_before_the_end_is_told_before_it(jobs):
    """A job writes its last events and ends between two looks."""
    write(jobs.log(), [begun()])

    async def watch():
        async with hub_of(jobs) as hub:
            watcher = hub.watch("run", "me")
            await hear(watcher, 2)

            def ends_while_it_is_asked():
                if jobs.states["run"] != "completed":
                    write(jobs.log(), [alert(0), alert(1)])
                    jobs.states["run"] = "completed"
                return jobs.states["run"]

            hub._feeds["run"].feed._state_of = ends_while_it_is_asked
            lines = await hear_events(watcher, 3)
            return lines, await hear(watcher, 2)

    lines, rest = asyncio.run(watch())
    assert numbers(lines) == [2, 3]
    assert rest == [StateIs("completed"), End("completed")]


def test_nothing_new_is_a_heartbeat(jobs):
    async def watch():
        async with hub_of(jobs) as hub:
            watcher = hub.watch("run", "me")
            await hear(watcher)
            return await watcher.next(0.03)

    assert asyncio.run(watch()) is None


def test_a_number_that_another_reader_had_before_us_is_waited_for(jobs):
    """Another endpoint has read the log further than the feed, whose next look is far."""
    write(jobs.log(), [begun()])

    async def watch():
        async with hub_of(jobs) as hub:
            hub._poll_seconds = LONG
            early = hub.watch("run", "me")
            await hear(early, 2)
            write(jobs.log(), [alert(0), alert(1)])
            late = hub.watch("run", "me", after=2)
            return await hear_events(late, 3)

    assert numbers(asyncio.run(watch())) == [3]


def test_a_number_above_all_is_of_another_log(jobs):
    write(jobs.log(), [begun()])

    async def watch():
        async with hub_of(jobs) as hub:
            watcher = hub.watch("run", "me", after=2)
            return await hear(watcher, 2)

    assert asyncio.run(watch()) == [StateIs("running"), Resync(0)]


def test_a_replaced_log_sends_everybody_back_to_its_begin(jobs):
    write(jobs.log(), [begun(), alert(0)])

    async def watch():
        async with hub_of(jobs) as hub:
            watcher = hub.watch("run", "me")
            await hear(watcher, 2)
            jobs.log().unlink()
            write(jobs.log(), [begun("another"), *map(alert, range(9))])
            assert await hear(watcher) == [Resync(0)]
            watcher.close()
            return await hear_events(hub.watch("run", "me"), 10)

    assert [line.raw for line in asyncio.run(watch())] == raw_lines(jobs.log())


def test_a_log_that_was_replaced_while_nobody_watched_is_read_anew(jobs):
    write(jobs.log(), [begun(), alert(0)])

    async def watch():
        async with hub_of(jobs) as hub:
            watcher = hub.watch("run", "me")
            await hear_events(watcher, 2)
            watcher.close()
            jobs.log().unlink()
            write(jobs.log(), [begun("another"), alert(1), alert(2)])
            again = hub.watch("run", "me", after=2)  # of the old one
            fresh = hub.watch("run", "me")
            return await hear(again, 1), await hear_events(fresh, 3)

    again, lines = asyncio.run(watch())
    assert again == [Resync(0)]
    assert [line.raw for line in lines] == raw_lines(jobs.log())


def test_a_removed_job_is_over(jobs):
    write(jobs.log(), [begun()])

    async def watch():
        async with hub_of(jobs) as hub:
            watcher = hub.watch("run", "me")
            await hear(watcher, 2)
            del jobs.states["run"]
            return await hear(watcher, 2)

    assert asyncio.run(watch()) == [StateIs("deleted"), End("deleted")]


def test_who_was_there_and_falls_behind_is_told_to_come_again(jobs, monkeypatch):
    monkeypatch.setattr(growing_log, "RECENT_EVENTS", 3)
    write(jobs.log(), [begun(), alert(0)])

    async def watch():
        async with hub_of(jobs) as hub:
            slow, quick = hub.watch("run", "me"), hub.watch("run", "me")
            for watcher in (slow, quick):
                await hear_events(watcher, 2)
                while not watcher._live:  # it does not know yet that it has all
                    assert await watcher.next(POLL) is None
            for number in range(1, 11):
                write(jobs.log(), [alert(number)])
                assert numbers(await hear_events(quick, number + 2)) == [number + 2]
            assert await hear(slow) == [Resync(2)]
            slow.close()
            return await hear_events(hub.watch("run", "me", after=2), 12)

    assert numbers(asyncio.run(watch())) == list(range(3, 13))


def test_who_catches_up_may_take_any_time(jobs, monkeypatch):
    monkeypatch.setattr(growing_log, "RECENT_EVENTS", 3)
    monkeypatch.setattr(growing_log, "BATCH_BYTES", 1)
    write(jobs.log(), [begun(), *map(alert, range(9))])

    async def watch():
        async with hub_of(jobs) as hub:
            watcher = hub.watch("run", "me")
            lines = await hear_events(watcher, 4)
            write(jobs.log(), map(alert, range(9, 19)))
            await asyncio.sleep(4 * POLL)
            return lines + await hear_events(watcher, 20)

    assert numbers(asyncio.run(watch())) == list(range(1, 21))


def test_a_job_that_nobody_watches_costs_nothing(jobs):
    write(jobs.log(), [begun()])

    async def watch():
        async with hub_of(jobs) as hub:
            first, second = hub.watch("run", "me"), hub.watch("run", "you")
            await hear(first)
            first.close()
            assert (hub.watchers, len(hub._feeds)) == (1, 1)
            await hear(second)
            second.close()
            second.close()
            assert (hub.watchers, len(hub._feeds)) == (0, 0)
            await asyncio.sleep(4 * POLL)  # a look that was under way ends
            asked = jobs.asked
            await asyncio.sleep(10 * POLL)
            return jobs.asked - asked

    assert asyncio.run(watch()) == 0


def test_who_comes_back_finds_what_was_written_in_the_meantime(jobs):
    write(jobs.log(), [begun()])

    async def watch():
        async with hub_of(jobs) as hub:
            watcher = hub.watch("run", "me")
            await hear_events(watcher, 1)
            watcher.close()
            known = hub._logs["run"]
            write(jobs.log(), [alert(0)])
            watcher = hub.watch("run", "me", after=1)
            assert hub._feeds["run"].feed.log is known  # it is not read from its begin again
            return await hear_events(watcher, 2)

    assert numbers(asyncio.run(watch())) == [2]


def test_one_owner_takes_no_more_than_a_share(jobs):
    async def watch():
        async with hub_of(jobs, per_owner=2) as hub:
            first, _ = hub.watch("run", "me"), hub.watch("run", "me")
            with pytest.raises(Problem) as refused:
                hub.watch("run", "me")
            hub.watch("run", "you")
            first.close()
            hub.watch("run", "me")
            return refused.value

    problem = asyncio.run(watch())
    assert problem.status == 429
    assert "2 watchers of one owner" in problem.detail


def test_a_stopping_server_sends_watchers_away_at_once_and_takes_no_more(jobs):
    async def watch():
        async with hub_of(jobs) as hub:
            watcher = hub.watch("run", "me")
            await hear(watcher)
            waiting = asyncio.create_task(watcher.next(LONG))
            await asyncio.sleep(POLL)
            hub.close()
            hub.close()
            assert await asyncio.wait_for(waiting, 1) == Closed()
            watcher.close()
            with pytest.raises(Problem) as refused:
                hub.watch("run", "me")
            return refused.value.status

    assert asyncio.run(watch()) == 503


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
