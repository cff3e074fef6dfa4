"""The study's loop: ask, submit, listen, tell. Every decision about trials is taken here."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

from hpo_torch.protocol.events import EpochFinished, TrainingFinished, TrialStarted
from hpo_torch.protocol.job import TrialJob
from hpo_torch.results.summary import best_of
from hpo_torch.search.modes import score as mode_score
from hpo_torch.search.objectives import References
from hpo_torch.study.live import LiveTrial
from hpo_torch.study.references import freeze_references, read_references
from hpo_torch.study.seeds import trial_seed
from hpo_torch.study.verdict import judge, tell, trial_finished, trial_result

if TYPE_CHECKING:
    import optuna

    from hpo_torch.execution.backend import ExecutionBackend
    from hpo_torch.protocol.events import BackendEvent
    from hpo_torch.protocol.measurements import Measurements
    from hpo_torch.results.records import TrialResult
    from hpo_torch.results.run_directory import RunDirectory
    from hpo_torch.study.announce import Announcer
    from hpo_torch.study.plan import StudyPlan

POLL_SECONDS = 0.2
PARAMETERS_ATTRIBUTE = "hyperparameters"


class StudyRunner:
    """Runs one study to its end.

    Args:
        plan: What is searched.
        study: Optuna's study, new.
        backend: Where trials run, started.
        run: The run's folder.
        announce: Takes every event.

    Attributes:
        results: Finished trials, in the order in which they ended.
        reason: Why no more trials are started; "" while they are.
        devices: What trials trained on, in their workers' words.
    """

    def __init__(
        self,
        plan: StudyPlan,
        study: optuna.Study,
        backend: ExecutionBackend,
        run: RunDirectory,
        announce: Announcer,
    ) -> None:
        self._plan, self._study, self._backend = plan, study, backend
        self._run, self._announce = run, announce
        self._live: dict[int, LiveTrial] = {}
        self._asked = 0
        self._references = read_references(study)
        self._started = time.monotonic()
        self.results: list[TrialResult] = []
        self.reason = ""
        self.devices: set[str] = set()

    def run(self) -> None:
        """Train all trials; the first Ctrl-C stops them and returns, the second one raises."""
        self._study.enqueue_trial(self._plan.defaults)
        while True:
            try:
                if not self._step():
                    return
            except KeyboardInterrupt:
                if self.reason == "interrupted":
                    raise
                self._wind_down("interrupted")

    def _step(self) -> bool:
        """Do one round; False once nothing is left to do."""
        self._check_timeout()
        while self._may_ask():
            self._submit()
        if not self._live:
            self.reason = self.reason or "all trials done"
            return False
        for event in self._backend.poll(POLL_SECONDS):
            self._handle(event)
        return True

    def _may_ask(self) -> bool:
        wanted = self._plan.config.search.trials
        return not self.reason and self._asked < wanted and len(self._live) < self._backend.capacity

    def _check_timeout(self) -> None:
        timeout = self._plan.config.search.timeout
        if timeout is not None and time.monotonic() - self._started >= timeout and not self.reason:
            self._wind_down("timeout")

    def _wind_down(self, reason: str) -> None:
        """Start no more trials and stop the running ones."""
        self.reason = reason
        for number, live in self._live.items():
            if not live.decided:
                live.stop_reason = reason
                self._backend.stop(number)

    def _submit(self) -> None:
        handle = self._study.ask()
        hyperparameters = self._plan.space.sample(handle, self._plan.fixed)
        # Fixed and implied values are no suggestions; the whole configuration stands here.
        handle.set_user_attr(PARAMETERS_ATTRIBUTE, hyperparameters)
        config = self._plan.config
        job = TrialJob(
            study=self._run.name,
            trial=handle.number,
            attempt=uuid.uuid4().hex[:12],
            seed=trial_seed(config.search.seed, handle.number),
            data=config.data,
            split_seed=config.search.seed,
            family=self._plan.space.family,
            hyperparameters=hyperparameters,
            objective=config.search.optimize_for,
            training=config.training,
            health=config.health,
            device=config.execution.device,
            output_dir=str(self._run.trial_dir(handle.number).resolve()),
        )
        self._live[handle.number] = LiveTrial(handle, job)
        self._asked += 1
        self._backend.submit(job)

    def _handle(self, event: BackendEvent) -> None:
        live = self._live.get(event.trial)
        if live is None or live.job.attempt != event.attempt:
            return  # a late word of an attempt that has ended
        if isinstance(event, TrainingFinished):
            self._finish(live, event)
        elif isinstance(event, EpochFinished):
            self._judge_epoch(live, event)
        elif not live.decided:
            if isinstance(event, TrialStarted):
                self.devices.add(event.device)
            self._announce(event)

    def _score(self, measurements: Measurements) -> float | None:
        search = self._plan.config.search
        return mode_score(
            measurements,
            mode=search.mode,
            objective=search.optimize_for,
            health_weight=search.health_weight,
            references=self._references,
        )

    def _judge_epoch(self, live: LiveTrial, event: EpochFinished) -> None:
        """Report an epoch and prune the trial if the pruner says so.

        A decided trial may send another epoch before it has stopped; ignoring it is what makes a
        run repeat exactly, however fast its workers hear.
        """
        if live.decided:
            return
        score = self._score(event.so_far)
        live.add(event, score)
        self._announce(event.model_copy(update={"score": score}))
        if score is None:
            return
        live.handle.report(score, event.metrics.epoch)
        if live.handle.should_prune():
            live.pruned = True
            self._backend.stop(event.trial)

    def _finish(self, live: LiveTrial, finished: TrainingFinished) -> None:
        """Decide, tell and store one trial."""
        del self._live[live.job.trial]
        score = self._final_score(live, finished)
        verdict = judge(live, finished, score)
        result = trial_result(live, finished, verdict)
        tell(self._study, live.handle, verdict)
        self._run.write_trial(result)
        self._write_traceback(result.trial, finished)
        self.results.append(result)
        best = best_of(self.results) is result
        if best:
            self._run.write_best(result, self._plan.config)
        self._keep_weights(result, best=best)
        self._announce(trial_finished(result, best=best))

    def _final_score(self, live: LiveTrial, finished: TrainingFinished) -> float | None:
        """Score a completed trial; the first one also sets the study's references."""
        if live.decided or finished.outcome != "completed" or finished.measurements is None:
            return None
        if self._references == References():
            self._references = freeze_references(self._study, finished.measurements)
        return self._score(finished.measurements)

    def _write_traceback(self, trial: int, finished: TrainingFinished) -> None:
        if finished.outcome == "failed" and finished.traceback:
            self._run.write_traceback(trial, finished.traceback)

    def _keep_weights(self, result: TrialResult, *, best: bool) -> None:
        """Keep the leader's weights in best_model/, where a crash leaves them; drop the others."""
        if best:
            self._run.keep_best_model(result)
        self._run.drop_weights(result.trial)
