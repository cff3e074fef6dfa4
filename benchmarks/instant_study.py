"""A study whose trials of ten hyperparameters are done at once: part of study_overhead.py."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hpo_torch.config.schema import RunConfig
from hpo_torch.data.requests import data_request
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.protocol.events import EpochFinished, TrainingFinished, TrialStarted
from hpo_torch.protocol.measurements import EpochMetrics, HealthReading, Measurements
from hpo_torch.results.event_log import EventLog
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.study.announce import Announcer
from hpo_torch.study.deadlines import Deadlines
from hpo_torch.study.plan import plan_study
from hpo_torch.study.proposals import Proposer
from hpo_torch.study.recovery import read_history
from hpo_torch.study.run_study import StudyRunner
from hpo_torch.study.standings import Standings
from hpo_torch.study.storage import open_leases, open_storage, open_study
from hpo_torch.study.workplace import Workplace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hpo_torch.execution.backend import RunSite
    from hpo_torch.protocol.events import BackendEvent
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch.protocol.usage import RemoteUsage
    from hpo_torch.study.plan import StudyPlan

SEARCHED = (
    "conv_layers",
    "filters",
    "kernel_size",
    "activation",
    "hidden_layers",
    "hidden_units",
    "dropout",
    "learning_rate",
    "weight_decay",
    "batch_size",
)
WEIGHTS = b"w" * 100_000
NOTHING: dict[str, Any] = {}


def score_of(values: dict[str, Any]) -> float:
    """Return a made-up accuracy that has a best place and a slope towards it."""
    distance: float = abs(values["dropout"] - 0.2) + abs(values["learning_rate"] - 0.003) * 30
    return 1 / (1 + distance)


def measurements(accuracy: float) -> Measurements:
    """Return what a small network's trial measures, per-layer details of health included."""
    layers = {f"layer_{index}": {"value": 0.5, "units": 32} for index in range(4)}
    reading = HealthReading(value=0.5, details={"layers": layers})
    names = ("neuron_utilization", "gradient_health", "training_stability", "parameter_efficiency")
    return Measurements(
        val_accuracy=accuracy,
        val_loss=1 - accuracy,
        last_val_accuracy=accuracy,
        skill=accuracy,
        parameters=10_000,
        training_seconds=1.0,
        memory_bytes=1_000_000,
        inference_seconds=0.001,
        health=dict.fromkeys(names, reading),
        overall_health=0.5,
    )


class InstantBackend:
    """Completes every trial at once, after some epochs that are all alike.

    Args:
        between: Called while a trial "trains", with its number.
        epochs: Of each trial.

    Attributes:
        seconds: Of the study, for each trial: from the end of `submit` to the next.
    """

    capacity = 1
    refusal = ""
    settled: ClassVar[dict[str, RemoteUsage]] = {}

    def __init__(self, between: Callable[[int], None], epochs: int = 1) -> None:
        self._between, self._epochs = between, epochs
        self._events: deque[BackendEvent] = deque()
        self._since: float | None = None
        self.seconds: list[float] = []

    def start(self, site: RunSite) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Count the last trial."""
        self._count()

    def stop(self, trial: int) -> None:
        """Do nothing: it has ended already."""

    def kill(self, trial: int) -> None:
        """Do nothing: it has ended already."""

    def reattach(self, job: TrialJob) -> bool:
        """Return False: jobs die with this process."""
        return False

    def submit(self, job: TrialJob) -> None:
        """Put down all that the trial says."""
        self._count()
        words = {"trial": job.trial, "attempt": job.attempt}
        accuracy = score_of(job.hyperparameters)
        measured = measurements(accuracy)
        started = TrialStarted(
            **words,
            worker="here",
            device="cpu",
            precision="32-true",
            hyperparameters=job.hyperparameters,
            parameters=10_000,
            epochs=self._epochs,
        )
        finished = [
            EpochFinished(**words, epochs=self._epochs, metrics=epoch, so_far=measured)
            for epoch in self._epochs_of(accuracy)
        ]
        ended = TrainingFinished(**words, outcome="completed", measurements=measured, kept_epoch=1)
        self._events += [started, *finished, ended]
        folder = Path(job.output_dir or ".")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.ckpt").write_bytes(WEIGHTS)
        self._between(job.trial)
        self._since = time.perf_counter()

    def poll(self, timeout: float) -> Sequence[BackendEvent]:
        """Return one event, as a training process would say them one after the other."""
        return [self._events.popleft()] if self._events else []

    def _epochs_of(self, accuracy: float) -> list[EpochMetrics]:
        return [
            EpochMetrics(
                epoch=number,
                train_loss=1.0,
                train_accuracy=accuracy,
                val_loss=1 - accuracy,
                val_accuracy=accuracy,
                learning_rate=0.1,
                seconds=1.0,
            )
            for number in range(1, self._epochs + 1)
        ]

    def _count(self) -> None:
        if self._since is not None:
            self.seconds.append(time.perf_counter() - self._since)
        self._since = None


def make_plan(
    trials: int,
    seed: int,
    search: Mapping[str, Any] = NOTHING,
    execution: Mapping[str, Any] = NOTHING,
) -> StudyPlan:
    """Plan a search on the digits in which all but ten hyperparameters are fixed.

    Args:
        trials: Wanted.
        seed: Of the search.
        search: Other settings of the search.
        execution: Settings of where trials run.
    """
    registry = installed_registry()
    sections = {"search": {**search, "trials": trials, "seed": seed}, "execution": execution}
    config = RunConfig.model_validate(sections)
    defaults = plan_study(config, registry, data_request(config.data)).defaults
    fix = {name: value for name, value in defaults.items() if name not in SEARCHED}
    fixed = config.search.model_copy(update={"fix": fix})
    config = config.model_copy(update={"search": fixed})
    return plan_study(config, registry, data_request(config.data))


def run_study(plan: StudyPlan, folder: Path, backend: InstantBackend) -> None:
    """Do with `backend` what `hpo-torch optimize` does, up to the end of the last trial."""
    run = RunDirectory.create(folder, "run")
    run.write_config(plan.config)
    search = plan.config.search
    with EventLog(run.events) as log:
        hooks = installed_registry().plugins.manager.hook
        place = Workplace(
            plan=plan,
            study=open_study(open_storage(run), plan, run, print),
            run=run,
            announce=Announcer(log, [], hooks, print),
            standings=Standings(search),
            warn=print,
        )
        runner = StudyRunner(
            place,
            open_leases(place.study, search.trials),
            Proposer(plan, place.study, print),
            backend,
            Deadlines(search, 0.0),
            read_history(run),
        )
        runner.run()
    backend.close()
