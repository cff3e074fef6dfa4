"""Writes a run's events.jsonl as a search does, also one whose process is killed on the way."""

from __future__ import annotations

import random
import time

from hpo_torch.protocol.events import HealthAlert, StudyStarted
from hpo_torch.results.event_log import EventLog


def begun(run="x"):
    return StudyStarted(
        run=run, dataset="digits", mode="health", objective="val_accuracy", trials=9, backend="b"
    )


def alert(number, message="x"):
    return HealthAlert(trial=number, attempt=f"{number}-1", epoch=1, message=message)


def write(path, events):
    with EventLog(path) as log:
        for event in events:
            log.append(event)


def raw_lines(path):
    """The log's lines without their ends, as a reader that has all the time reads them."""
    return path.read_bytes().split(b"\n")[:-1]


def write_with_deaths(path, count, seed, *, pause=0.0):
    """Write `count` events in bursts; every now and then the writer dies within a line.

    The next one cuts the torn line off, and goes on.
    """
    dice = random.Random(seed)
    written = 0
    while written < count:
        burst = min(dice.randint(1, 40), count - written)
        with EventLog(path) as log:
            for number in range(written, written + burst):
                log.append(alert(number, "é" * dice.randint(0, 60)))
                if dice.random() < 0.1:
                    time.sleep(pause)
        written += burst
        if dice.random() < 0.7:
            with path.open("ab") as torn:
                torn.write(b'{"seq":999,"time":"2026' + b"-" * dice.randint(0, 80))
            time.sleep(pause)
