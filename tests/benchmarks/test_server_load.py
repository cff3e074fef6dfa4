from __future__ import annotations

import asyncio
import json
import random
import threading

import pytest
from event_writer import begun, raw_lines, write, write_with_deaths
from plain_epoch import plain_measurements, plain_metrics
from server_load_clients import Client, Reads, Tally, crowd, watch_all
from server_load_figures import Block, Epoch, epochs_of, heard, latencies, slowdowns, within
from streaming_server import serving

from hpo_torch.protocol.events import EpochFinished
from hpo_torch_server.states import JobState

LONG = 90.0  # seconds; a test that waits for so long has failed
LOG = b'{"seq":1}\n{"seq":2}\n{"seq":3}\n'


def told(*numbers, line=b'{"seq":%d}'):
    tally = Tally()
    for number in numbers:
        tally.hear(number, line % number)
    return tally


def test_tally_knows_who_has_exactly_the_log():
    assert told(1, 2, 3).has_exactly(LOG)
    assert told(1, 2, 3).has_exactly(LOG + b'{"seq":4')  # torn: no event
    assert not told(1, 2).has_exactly(LOG)
    assert not told(1, 2, 3, line=b'{"seq": %d}').has_exactly(LOG)


def test_tally_counts_what_is_lost_and_repeated():
    tally = told(1, 3, 3, 2, 4)
    assert (tally.events, tally.lost, tally.repeated, tally.last) == (5, 1, 2, 4)
    assert not tally.has_exactly(LOG + b'{"seq":4}\n')


def test_heard_counts_what_was_not_heard_at_the_end_too():
    clients = [Client("", "sse", tally=told(1, 2, 3)), Client("", "sse", tally=told(1, 1))]
    figures = heard(clients, LOG)
    assert (figures["delivered"], figures["lost"], figures["repeated"]) == (5, 2, 1)
    assert figures["clients_with_exactly_the_log"] == 1


def test_a_client_counts_what_the_doors_say():
    client = Client("", "sse")
    client._hear_block(b'event: state\ndata: {"state": "running"}')
    client._hear_block(b'event: health_alert\ndata: {"seq":1}\nid: 1')
    client._hear_block(b": heartbeat")
    client._hear_message('{"type":"event","seq":2,"event":{"seq":2}}')
    client._hear_message('{"type": "state", "state": "running"}')
    client._hear_block(b'event: resync\ndata: {"after": 0}\nid: 0')
    client._hear_message('{"type": "resync", "after": 2}')
    assert not client.tally.ended
    client._hear_block(b'event: end\ndata: {"state": "completed"}')
    assert client.tally.ended
    assert (client.tally.last, client.tally.events, client.tally.resyncs) == (2, 2, 2)
    assert client.tally.has_exactly(LOG[:20])


def epoch_event(second, seconds, attempt="0-1"):
    metrics, measured = plain_metrics(seconds), plain_measurements(seconds)
    return EpochFinished(
        trial=0, attempt=attempt, epochs=1, metrics=metrics, so_far=measured
    ).model_copy(update={"time": f"1970-01-01T00:00:{second:02}.000+00:00"})


def test_epochs_go_from_one_end_to_the_next_of_the_same_attempt(tmp_path):
    path = tmp_path / "events.jsonl"
    told = [(1, 0.5, "0-1"), (3, 1.5, "0-1"), (4, 9.0, "0-2"), (8, 3.0, "0-2")]
    write(path, [begun(), *(epoch_event(*each) for each in told)])
    epochs = epochs_of(path)
    assert epochs == [Epoch(1, 3, 1.5), Epoch(4, 8, 3.0)]
    assert within(epochs, Block(False, 1, 7.9, 0, 0)) == epochs[:1]


def test_slowdown_compares_medians_of_the_blocks_of_a_pair():
    pair = Block(False, 0, 10, 0, 0), Block(True, 10, 20, 0, 0)
    epochs = [Epoch(t, t + 2, s) for t, s in [(0, 1.0), (2, 1.0), (4, 5.0), (9, 7.0)]]
    epochs += [Epoch(t, t + 3, s) for t, s in [(10, 1.1), (13, 1.1)]]
    figures = slowdowns(epochs, [pair])
    assert figures["training_slower_percent"] == [pytest.approx(10)]
    assert figures["epoch_slower_percent"] == [pytest.approx(50)]
    assert figures["epochs_by_pair"] == [(3, 2)]


def test_latencies_are_milliseconds():
    figures = latencies({"/a": [0.001 * n for n in range(1, 101)], "/b": [0.5]})
    assert figures["by_path"]["/a"]["p50_ms"] == 50.5
    assert figures["by_path"]["/a"]["p95_ms"] == pytest.approx(95.95, abs=0.1)
    assert figures["by_path"]["/b"] == {"n": 1, "p50_ms": 500, "p95_ms": 500, "max_ms": 500}
    assert figures["all"]["n"] == 101
    json.dumps(figures)


def test_reads_note_what_failed(tmp_path):
    with serving(tmp_path) as served:

        async def read():
            reads = Reads(served.url, ["/nothing"], 200.0)
            task = asyncio.create_task(reads.run())
            while sum(reads.failed.values()) < 3:
                await asyncio.sleep(0.01)
            reads.settled = True
            while "/nothing" not in reads.seconds:
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return reads

        reads = asyncio.run(read())
        assert set(reads.failed) == {"404"}
        assert len(reads.settling["/nothing"]) >= 3


async def watch_for_a_time(clients, path, dice):
    """Write a hundred lines, and cut all clients off when they have heard some of them."""
    writer = threading.Thread(
        target=write_with_deaths, args=(path, 100, dice.random()), kwargs={"pause": 0.002}
    )
    writer.start()
    wanted = sum(client.tally.events for client in clients) + dice.randint(1, 300)
    watching = asyncio.create_task(watch_all(clients))
    while sum(client.tally.events for client in clients) < wanted:
        await asyncio.sleep(0.005)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    writer.join()


@pytest.mark.parametrize("seed", [0, 1])
def test_clients_that_are_cut_off_and_come_again_have_exactly_the_log(tmp_path, seed):
    """A small load test: a log that grows as it is watched, and breaks at random."""
    rounds = 4
    with serving(tmp_path) as served:
        path = served.job()

        async def watch():
            clients = crowd(f"{served.url}/api/v1/jobs/run", 8, pause=0.05)
            dice = random.Random(seed)
            for _ in range(rounds):
                await watch_for_a_time(clients, path, dice)
            served.move(JobState.COMPLETED)
            await asyncio.wait_for(watch_all(clients), LONG)
            return clients

        clients = asyncio.run(watch())
    assert len(raw_lines(path)) == rounds * 100
    figures = heard(clients, path.read_bytes())
    assert figures["clients_with_exactly_the_log"] == len(clients) == 8
    assert (figures["lost"], figures["repeated"]) == (0, 0)
    assert figures["connections"] >= 8 + rounds
