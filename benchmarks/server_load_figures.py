"""What the server's load test has measured, in figures: part of server_load.py."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from server_load_clients import Client


@dataclass(frozen=True)
class Block:
    """Some seconds with or without load.

    Attributes:
        loaded: Which of both.
        begin, end: What counts, seconds since 1970.
        server_share: CPU of the server, 1 is a whole core.
        clients_share: Likewise, of this process.
    """

    loaded: bool
    begin: float
    end: float
    server_share: float
    clients_share: float


@dataclass(frozen=True)
class Epoch:
    """One epoch as the log tells it.

    Attributes:
        begin, end: Seconds since 1970.
        training_seconds: Of training and validation.
    """

    begin: float
    end: float
    training_seconds: float


def epochs_of(log: Path) -> list[Epoch]:
    """Return the epochs behind the first one of each trial, from one's end to the next one's."""
    epochs, ends = [], dict[str, float]()
    for line in log.read_bytes().split(b"\n")[:-1]:
        event = json.loads(line)
        if event["kind"] != "epoch_finished":
            continue
        end = datetime.fromisoformat(event["time"]).timestamp()
        begin = ends.get(event["attempt"])
        ends[event["attempt"]] = end
        if begin is not None:
            epochs.append(Epoch(begin, end, event["metrics"]["seconds"]))
    return epochs


def within(epochs: Sequence[Epoch], block: Block) -> list[Epoch]:
    """Return the epochs that lie in a block as a whole."""
    return [epoch for epoch in epochs if block.begin <= epoch.begin and epoch.end <= block.end]


def slowdowns(epochs: Sequence[Epoch], pairs: Sequence[tuple[Block, Block]]) -> dict[str, Any]:
    """Return by how much epochs take longer under load, in per cent of those of the same pair."""
    training, whole, plain, counts = [], [], [], []
    for without, loaded in pairs:
        quiet, busy = within(epochs, without), within(epochs, loaded)
        counts.append((len(quiet), len(busy)))
        if not quiet or not busy:
            raise ValueError(f"no epoch lies within a block; take longer ones: {counts}")
        seconds = [statistics.median(e.training_seconds for e in each) for each in (quiet, busy)]
        walls = [statistics.median(e.end - e.begin for e in each) for each in (quiet, busy)]
        training.append(100 * (seconds[1] / seconds[0] - 1))
        whole.append(100 * (walls[1] / walls[0] - 1))
        plain.append(seconds[0])
    return {
        "epoch_seconds_without": round(statistics.median(plain), 3),
        "epochs_by_pair": counts,
        "training_slower_percent": [round(each, 2) for each in training],
        "training_slower_percent_median": round(statistics.median(training), 2),
        "epoch_slower_percent": [round(each, 2) for each in whole],
        "epoch_slower_percent_median": round(statistics.median(whole), 2),
    }


def cpu_shares(pairs: Sequence[tuple[Block, Block]]) -> dict[str, float]:
    """Return what server and clients took of a core; medians of blocks."""
    without, loaded = zip(*pairs, strict=True)
    return {
        "server_cores_without": round(statistics.median(b.server_share for b in without), 3),
        "server_cores_loaded": round(statistics.median(b.server_share for b in loaded), 3),
        "clients_cores_loaded": round(statistics.median(b.clients_share for b in loaded), 3),
    }


def latencies(taken: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Return milliseconds of reads, of all and by path, from seconds by path."""
    everything = [second for seconds in taken.values() for second in seconds]
    by_path = {path: _latency(seconds) for path, seconds in sorted(taken.items())}
    return {"all": _latency(everything), "by_path": by_path}


def _latency(seconds: Sequence[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=20) if len(seconds) > 1 else [*seconds] * 19
    p50, p95 = statistics.median(seconds), cuts[18]
    largest = max(seconds)
    named = {"p50_ms": p50, "p95_ms": p95, "max_ms": largest}
    return {"n": len(seconds), **{name: round(1e3 * each, 1) for name, each in named.items()}}


def heard(clients: Sequence[Client], log: bytes) -> dict[str, Any]:
    """Compare what each client heard with the log."""
    tallies = [client.tally for client in clients]
    lines = log.count(b"\n")
    return {
        "clients": len(clients),
        "log_lines": lines,
        "delivered": sum(tally.events for tally in tallies),
        "lost": sum(tally.lost + lines - tally.last for tally in tallies),
        "repeated": sum(tally.repeated for tally in tallies),
        "clients_with_exactly_the_log": sum(tally.has_exactly(log) for tally in tallies),
        "connections": sum(tally.connections for tally in tallies),
        "refused": sum(tally.refused for tally in tallies),
        "resyncs": sum(tally.resyncs for tally in tallies),
    }
