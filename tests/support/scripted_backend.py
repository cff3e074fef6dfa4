"""A backend that does as a test's script says, and trains nothing."""

from __future__ import annotations

import signal
from pathlib import Path

from hpo_torch.protocol.events import EpochFinished, TrainingFinished, TrialStarted
from hpo_torch.protocol.measurements import EpochMetrics, Measurements


def end_at_once(poll):
    """Press Ctrl-C twice in the second poll, so that no attempt is waited for."""
    if poll == 2:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)


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

    An entry that is a pair is (accuracy, overall health); else health is 0.5. An entry that is a
    string fails the attempt with that kind, once; "hang" goes on until it is killed. After each
    epoch a state is stored from which another attempt goes on, as `train_trial` does. Attempts
    start on `worker`, and end with `usage`; `settled` is what the backend knows of others. Ctrl-C
    is pressed during the polls whose numbers are in `interrupts`; `on_poll` is called with each
    poll's number. `mangle` may change, repeat or withhold what a poll returns.
    """

    def __init__(self, script, capacity=1, interrupts=(), on_poll=None, mangle=None):
        self.script, self.capacity, self.interrupts = script, capacity, interrupts
        self.on_poll, self.mangle = on_poll, mangle
        self.polls = self.most_in_flight = 0
        self.jobs, self.stopped, self.killed, self.reattached = [], set(), set(), []
        self.can_reattach, self.refusal, self.site = False, "", None
        self.usage, self.worker, self.settled = None, "w", {}
        self._spent, self._flight = set(), {}

    def start(self, site):
        self.site = site

    def close(self):
        self._flight.clear()

    def submit(self, job):
        self.jobs.append(job)
        self._begin(job)

    def reattach(self, job):
        if self.can_reattach:
            self.reattached.append(job)
            self._begin(job)
        return self.can_reattach

    def stop(self, trial):
        self.stopped.add(trial)

    def kill(self, trial):
        self.killed.add(trial)

    def poll(self, timeout):
        self.polls += 1
        if self.on_poll:
            self.on_poll(self.polls)
        if self.polls in self.interrupts:
            signal.raise_signal(signal.SIGINT)
        events = []
        for trial, playing in list(self._flight.items()):
            events += (said := next(playing))
            if any(isinstance(event, TrainingFinished) for event in said):
                del self._flight[trial]
        return self.mangle(events) if self.mangle else events

    def _begin(self, job):
        self.stopped.discard(job.trial)
        self._flight[job.trial] = self._play(job)
        self.most_in_flight = max(self.most_in_flight, len(self._flight))

    def _play(self, job):
        script = self.script[job.trial]
        epochs = [entry for entry in script if not isinstance(entry, str)]
        accuracies = [epoch if isinstance(epoch, tuple) else (epoch, 0.5) for epoch in epochs]
        state = Path(job.output_dir) / "training_state.ckpt"
        state.parent.mkdir(parents=True, exist_ok=True)
        stored = int(state.read_text()) if state.exists() else 0
        said = [self._started(job, len(accuracies), stored)]
        said += [self._epoch(job, accuracies, n) for n in range(job.known_epochs + 1, stored + 1)]
        epoch = 0
        for position, entry in enumerate(script):
            if isinstance(entry, str):
                if (job.trial, position) not in self._spent:
                    self._spent.add((job.trial, position))
                    yield from self._fail(job, entry, said)
                continue
            epoch += 1
            if epoch > stored:
                state.write_text(str(epoch))
                said.append(self._epoch(job, accuracies, epoch))
                # A real worker may finish one more epoch before it hears that it should stop.
                yield said + self._end_if_stopped(job)
                said = []
        yield said + (self._end_if_stopped(job) or self._complete(job, accuracies))

    def _end_if_stopped(self, job):
        return [self._finished(job, "stopped")] if job.trial in self.stopped else []

    def _complete(self, job, accuracies):
        (Path(job.output_dir) / "model.ckpt").write_text(f"weights of trial {job.trial}")
        accuracy, health = accuracies[-1]
        last = measured(accuracy, len(accuracies), health)
        words = {"measurements": last, "kept_epoch": len(accuracies)}
        return [self._finished(job, "completed", **words)]

    def _fail(self, job, kind, said):
        while kind == "hang" and job.trial not in self.killed:
            yield said
            said = []
        kind = "worker_died" if kind == "hang" else kind
        words = {"failure_kind": kind, "message": "on purpose", "traceback": "Traceback ..."}
        yield [*said, self._finished(job, "failed", **words)]

    def _started(self, job, epochs, done):
        return TrialStarted(
            trial=job.trial,
            attempt=job.attempt,
            worker=self.worker,
            device="cpu",
            precision="32-true",
            hyperparameters=job.hyperparameters,
            parameters=100,
            epochs=epochs,
            epochs_done=done,
        )

    def _finished(self, job, outcome, **words):
        words |= {"trial": job.trial, "attempt": job.attempt, "usage": self.usage}
        return TrainingFinished(outcome=outcome, **words)

    def _epoch(self, job, accuracies, epoch):
        accuracy, health = accuracies[epoch - 1]
        return EpochFinished(
            trial=job.trial,
            attempt=job.attempt,
            epochs=len(accuracies),
            metrics=EpochMetrics(
                epoch=epoch,
                train_loss=1 - accuracy,
                train_accuracy=accuracy,
                val_loss=1 - accuracy,
                val_accuracy=accuracy,
                learning_rate=0.1,
                seconds=1.0,
            ),
            so_far=measured(accuracy, epoch, health),
        )
