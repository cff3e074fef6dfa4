"""A study with a scripted backend: real Optuna, real files, no training."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import pytest

from hpo_torch.config.schema import RunConfig
from hpo_torch.data.requests import data_request
from hpo_torch.hooks.manager import Plugins, new_manager
from hpo_torch.hooks.records import DatasetSpec, HealthMetricSpec
from hpo_torch.hooks.registry import build_registry
from hpo_torch.hooks.specs import hookimpl
from hpo_torch.protocol.events import EpochFinished, TrainingFinished, TrialStarted
from hpo_torch.protocol.measurements import EpochMetrics, Measurements
from hpo_torch.results.event_log import EventLog
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.study.announce import Announcer
from hpo_torch.study.plan import plan_study
from hpo_torch.study.run_study import StudyRunner
from hpo_torch.study.storage import create_study


class Shapes:
    @hookimpl
    def register_datasets(self):
        return [
            DatasetSpec(
                name="shapes",
                target="json:dumps",
                summary="made up",
                kind="image",
                num_classes=2,
                input_shape=(1, 8, 8),
                sizes=(1000, 100),
                source="none",
            )
        ]

    @hookimpl
    def register_health_metrics(self):
        return [
            HealthMetricSpec(name="calm", target="json:dumps", summary="made up", default_weight=1)
        ]


def measured(accuracy, epoch=1, health=0.5):
    return Measurements(
        val_accuracy=accuracy,
        val_loss=1 - accuracy,
        last_val_accuracy=accuracy,
        skill=accuracy,
        parameters=100,
        training_seconds=float(epoch),
        memory_bytes=1000,
        inference_seconds=0.001,
        overall_health=health,
    )


class ScriptedBackend:
    """Runs trials whose validation accuracies per epoch are given: one list a trial.

    An entry that is a string instead of a number fails the trial with that kind.
    Ctrl-C is pressed during the polls whose numbers are in `interrupts`.
    """

    def __init__(self, script, capacity=1, interrupts=()):
        self.script, self.capacity, self.interrupts = script, capacity, interrupts
        self.polls = 0
        self.jobs, self.stopped = [], set()
        self.most_in_flight = 0
        self._flight = {}

    def start(self):
        pass

    def close(self):
        pass

    def submit(self, job):
        self.jobs.append(job)
        self._flight[job.trial] = deque(self.script[job.trial])
        self.most_in_flight = max(self.most_in_flight, len(self._flight))

    def stop(self, trial):
        self.stopped.add(trial)

    def poll(self, timeout):
        self.polls += 1
        if self.polls in self.interrupts:
            raise KeyboardInterrupt
        events = []
        for job in [job for job in self.jobs if job.trial in self._flight]:
            events += self._advance(job)
        return events

    def _advance(self, job):
        words = {"trial": job.trial, "attempt": job.attempt}
        left = self._flight[job.trial]
        done = len(self.script[job.trial]) - len(left)
        total = len(self.script[job.trial])
        if done == 0 and left:
            started = TrialStarted(
                **words,
                worker="w",
                device="cpu",
                precision="32-true",
                hyperparameters=job.hyperparameters,
                parameters=100,
                epochs=total,
            )
            return [started, self._epoch(words, left, 1, total)]
        if job.trial in self.stopped:
            # A real worker may finish one more epoch before it hears that it should stop.
            late = [self._epoch(words, left, done + 1, total)] if left else []
            del self._flight[job.trial]
            return [*late, TrainingFinished(**words, outcome="stopped")]
        if left and isinstance(left[0], str):
            del self._flight[job.trial]
            return [
                TrainingFinished(
                    **words,
                    outcome="failed",
                    failure_kind=left[0],
                    message="on purpose",
                    traceback="Traceback ...",
                )
            ]
        if left:
            return [self._epoch(words, left, done + 1, total)]
        del self._flight[job.trial]
        self._save(job)
        last = self.script[job.trial][-1]
        return [
            TrainingFinished(
                **words, outcome="completed", measurements=measured(last, total), kept_epoch=total
            )
        ]

    def _save(self, job):
        folder = Path(job.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.ckpt").write_text(f"weights of trial {job.trial}")

    def _epoch(self, words, left, epoch, total):
        accuracy = left.popleft()
        return EpochFinished(
            **words,
            epochs=total,
            metrics=EpochMetrics(
                epoch=epoch,
                train_loss=1 - accuracy,
                train_accuracy=accuracy,
                val_loss=1 - accuracy,
                val_accuracy=accuracy,
                learning_rate=0.1,
                seconds=1.0,
            ),
            so_far=measured(accuracy, epoch),
        )


@pytest.fixture
def registry():
    plugins = Plugins(new_manager())
    plugins.manager.register(Shapes(), "shapes_plugin")
    return build_registry(plugins)


@pytest.fixture
def make_config():
    def make(**search):
        return RunConfig.model_validate(
            {
                "data": {"dataset": "shapes"},
                "search": {"mode": "simple", "trials": 3, "seed": 1, **search},
            }
        )

    return make


class StudyRun:
    """A finished run of `StudyRunner` and everything it left."""

    def __init__(self, runner, study, run, backend, events):
        self.runner, self.study, self.run = runner, study, run
        self.backend, self.events = backend, events

    @property
    def states(self):
        return {result.trial: result.state for result in self.runner.results}


@pytest.fixture
def run_script(tmp_path, registry, make_config):
    """Run a study whose trials do what a script says."""

    def go(script, *, capacity=1, name="run", interrupts=(), **search):
        config = make_config(trials=len(script), **search)
        backend = ScriptedBackend(script, capacity, interrupts)
        run = RunDirectory.create(tmp_path, name)
        run.write_config(config)
        events = []
        study = create_study(run.journal, config.search, parallel=capacity > 1)
        with EventLog(run.events) as log:
            announce = Announcer(log, [events.append], registry.plugins.manager.hook, print)
            runner = StudyRunner(
                plan_study(config, registry, data_request(config.data)),
                study,
                backend,
                run,
                announce,
            )
            runner.run()
        return StudyRun(runner, study, run, backend, events)

    return go
