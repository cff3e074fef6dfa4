from __future__ import annotations

import asyncio

import pytest
from event_writer import alert, begun, raw_lines, write
from watched_jobs import LONG, POLL, Jobs, hear, hear_events, hub_of, numbers

from hpo_torch_server import growing_log
from hpo_torch_server.problems import Problem
from hpo_torch_server.watcher import Closed, End, Resync, StateIs


@pytest.fixture
def jobs(tmp_path):
    return Jobs(tmp_path)


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
