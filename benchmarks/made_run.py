"""A run of thousands of trials that nobody trained: part of server_reads.py."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hpo_torch.config.schema import RunConfig
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.protocol.events import EpochFinished, StudyStarted, TrialFinished, TrialStarted
from hpo_torch.protocol.measurements import EpochMetrics, HealthReading, Measurements
from hpo_torch.results.event_log import EventLog
from hpo_torch.results.records import TrialResult
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.search.families import search_space

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hpo_torch.protocol.events import Event

LAYERS, FIGURES = 8, 5  # of a metric's details: an event has 7 KB then, as real ones have
VALIDATION = 4_410  # examples: accuracies are whole numbers of these
START = datetime(2026, 11, 25, 10, 0, 0, tzinfo=UTC)


class MadeRun:
    """Writes a run trial by trial: every figure is drawn at random, so that nothing compresses.

    Args:
        root: Folder of runs.
        name: Of the run.
        trials: That the run wants.
        epochs: Of each trial.
    """

    def __init__(self, root: Path, name: str, trials: int, epochs: int) -> None:
        self.run = RunDirectory.create(root, name)
        self.run.write_config(RunConfig.model_validate({"search": {"trials": trials}}))
        self._trials, self._epochs = trials, epochs
        self._random = random.Random(0)
        self._space = search_space("cnn", (3, 48, 48), 22_000, epochs, epochs)
        self._metrics = [spec.name for spec in installed_registry().health_metrics]
        self._log = EventLog(self.run.events)
        self._moment = START
        self._best: tuple[float, int] | None = None
        self.written = 0

    def begin(self) -> None:
        """Write what a study says first."""
        self._say(
            StudyStarted(
                run=str(self.run.path),
                dataset="gtsrb",
                mode="health",
                objective="val_accuracy",
                trials=self._trials,
                backend="local",
            )
        )

    def add(self) -> None:
        """Write all that one trial leaves: a fifth is pruned, a few have failed."""
        number = self.written
        self.written += 1
        state = self._random.choices(("complete", "pruned", "failed"), (75, 20, 5))[0]
        words = {"trial": number, "attempt": f"{self._random.getrandbits(48):012x}"}
        values = self._space.sample(_Dice(self._random), {})
        measured, epochs = self._measurements(), [self._metrics_of(e) for e in self._numbers()]
        place = {"worker": f"local-{number % 4}", "device": "cuda:0"}
        begun = self._say(
            TrialStarted(
                **words,
                **place,
                precision="32-true",
                hyperparameters=values,
                parameters=measured.parameters,
                epochs=self._epochs,
            )
        )
        for epoch in epochs:
            self._say(EpochFinished(**words, epochs=self._epochs, metrics=epoch, so_far=measured))
        score = None if state == "failed" else self._random.random()
        result = TrialResult(
            **words,
            **place,
            state=state,
            score=score,
            seed=self._random.getrandbits(32),
            family="cnn",
            hyperparameters=values,
            measurements=None if state == "failed" else measured,
            kept_epoch=self._epochs,
            epochs=epochs,
            started=begun,
            seconds=self._random.uniform(10, 300),
        )
        # Not as a study does it: nobody waits here for the disk.
        path = self.run.trial_dir(number) / "result.json"
        path.parent.mkdir(parents=True)
        path.write_text(result.model_dump_json(indent=2) + "\n", encoding="utf-8")
        self._end(result)

    def _end(self, result: TrialResult) -> None:
        if result.state == "complete" and result.score is not None:
            self._best = max(self._best or (0.0, 0), (result.score, result.trial))
        self._say(
            TrialFinished(
                trial=result.trial,
                attempt=result.attempt,
                state=result.state,
                score=result.score,
                leader=None if self._best is None else self._best[1],
                epochs_run=self._epochs,
                seconds=result.seconds,
                measurements=result.measurements,
            )
        )

    def _say(self, event: Event) -> str:
        self._moment += timedelta(milliseconds=self._random.randrange(20_000))
        time = self._moment.isoformat(timespec="milliseconds")
        self._log.append(event.model_copy(update={"time": time}))
        return time

    def _numbers(self) -> range:
        return range(1, self._epochs + 1)

    def _share(self) -> float:
        return self._random.randrange(VALIDATION) / VALIDATION

    def _metrics_of(self, epoch: int) -> EpochMetrics:
        draw = self._random.random
        return EpochMetrics(
            epoch=epoch,
            train_loss=draw(),
            train_accuracy=draw(),
            val_loss=draw(),
            val_accuracy=self._share(),
            learning_rate=draw(),
            seconds=draw(),
            health_seconds=draw(),
        )

    def _measurements(self) -> Measurements:
        draw = self._random.random
        return Measurements(
            val_accuracy=self._share(),
            val_loss=draw(),
            last_val_accuracy=self._share(),
            skill=draw(),
            parameters=self._random.randrange(10_000, 2_000_000),
            training_seconds=draw() * 100,
            memory_bytes=self._random.randrange(10**7, 10**8),
            inference_seconds=draw() / 1000,
            health={name: self._reading() for name in self._metrics},
            overall_health=draw(),
        )

    def _reading(self) -> HealthReading:
        draw = self._random.random
        details = {f"layer_{n}": [round(draw(), 6) for _ in range(FIGURES)] for n in range(LAYERS)}
        return HealthReading(value=draw(), details=details)


class _Dice:
    """Chooses as Optuna's random sampler would."""

    def __init__(self, generator: random.Random) -> None:
        self._random = generator

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        return self._random.randint(low, high)

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        if log:
            return float(low * (high / low) ** self._random.random())
        return self._random.uniform(low, high)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self._random.choice(choices)
