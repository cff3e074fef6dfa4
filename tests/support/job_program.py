"""What a server's jobs are in its tests: hpo-torch's command line, without training.

It takes `optimize --config FILE` and `resume RUN`, and leaves a run's folder, its lock, events and
summary as a search does. `search.fix` says what goes wrong:

    pause     seconds that an epoch takes; 0.02 by default
    deaths    so many of its processes die by SIGKILL
    progress  epochs that each of those finishes first; 0 by default
    unbegun   its first process dies when it has made the run's folder, and nothing in it
    refuse    exit code with which every process ends before it has begun
    crash     it ends with a traceback
    outcome   "nothing": no trial completes; "broken": it breaks off; else all trials complete
    deaf      it hears no request to end
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from told_study import ended, epoch, study, study_ended

from hpo_torch.config.load import file_layer, resolve_config
from hpo_torch.results.event_log import EventLog, read_events
from hpo_torch.results.records import INTERRUPTED, RunSummary
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.run_lock import run_lock
from hpo_torch.results.summary import RunView

if TYPE_CHECKING:
    from hpo_torch.config.schema import RunConfig

PROGRAM = (sys.executable, __file__)
NOTHING = 7


def summary_of(run: str, reason: str, best: int | None = 0, unfinished: int = 0) -> RunSummary:
    """Return a summary that knows little else."""
    return RunSummary(
        run=run,
        dataset="digits",
        mode="health",
        objective="val_accuracy",
        health_weight=0.3,
        seed=42,
        backend="local",
        counts={"complete": 1, "pruned": 0, "failed": 0},
        unfinished=unfinished,
        best_trial=best,
        best_score=None if best is None else 0.5,
        best=None,
        test_accuracy=None,
        parameter_importance=None,
        seconds=1.0,
        reason=reason,
        versions={},
    )


def make_run(
    root: Path, name: str, config: RunConfig, events: list[Any], summary: RunSummary | None
) -> Path:
    """Make a run's folder as a search leaves it."""
    run = RunDirectory.create(root, name)
    run.write_config(config)
    with EventLog(run.events) as log:
        for event in events:
            log.append(event)
    if summary is not None:
        run.write_summary(summary)
    return run.path


class Search:
    """One process's work on a run."""

    def __init__(self, run: RunDirectory, config: RunConfig) -> None:
        self.run, self.config, self.ways = run, config, config.search.fix
        self.interrupts = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._count)

    def _count(self, number: int, frame: object) -> None:
        self.interrupts += 0 if self.ways.get("deaf") else 1

    def work(self) -> int:
        """Train what is left; return the exit code."""
        run, ways = self.run, self.ways
        run.write_config(self.config)
        run.drop_summary()
        earlier = read_events(run.events) if run.events.exists() else []
        starts = sum(event.kind == "study_started" for event in earlier)
        with EventLog(run.events) as log:
            log.append(study())
            left = ways.get("progress", 0) if starts < ways.get("deaths", 0) else None
            self._train(log, sum(event.kind == "epoch_finished" for event in earlier), left)
            reason = INTERRUPTED if self.interrupts else "all trials done"
            best = None if ways.get("outcome") == "nothing" else 0
            broken = ways.get("outcome") == "broken" and not self.interrupts
            summary = summary_of(run.name, "trial 1: no disk" if broken else reason, best, broken)
            run.write_summary(summary)
            log.append(study_ended())
        if self.interrupts:
            return 130
        return NOTHING if best is None else 0

    def _train(self, log: EventLog, done: int, left: int | None) -> None:
        epochs = self.config.search.max_epochs
        for number in range(done, self.config.search.trials * epochs):
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left = None if left is None else left - 1
            if self.interrupts:
                return
            time.sleep(self.ways.get("pause", 0.02))
            log.append(epoch(number % epochs + 1, number // epochs))
            if (number + 1) % epochs == 0:
                log.append(ended(number // epochs))


def main(command: str, *arguments: str) -> int:
    """Begin a run, or go on with one."""
    if command == "optimize":
        config = resolve_config([file_layer(Path(arguments[1]))]).config
    else:
        config = RunView.open(Path(arguments[0])).config
    ways, folder = config.search.fix, Path(config.output.dir)
    if "refuse" in ways:
        sys.stderr.write(f"warning: it is late\nerror: refused for test {config.output.name}\n")
        return int(ways["refuse"])
    if ways.get("crash"):
        raise RuntimeError("crashed on purpose")
    if command == "optimize":
        run = RunDirectory.create(folder, config.output.name or "run")
    else:
        run = RunDirectory.open(Path(arguments[0]))
    with run_lock(run.path):
        tried = folder / f".{run.name}.tried"
        if ways.get("unbegun") and not tried.exists():
            tried.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return Search(run, config).work()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
