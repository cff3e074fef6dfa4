"""The study's loop: take a lease, ask, submit, listen, tell. Every decision is taken here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState as OptunaState

from hpo_torch.protocol.events import EpochFinished, TrainingFinished, TrialStarted
from hpo_torch.results.records import INTERRUPTED, TIMEOUT
from hpo_torch.study.brake import Brake
from hpo_torch.study.conclude import conclude, write_traceback
from hpo_torch.study.interrupts import Interrupts
from hpo_torch.study.jobs import new_attempt
from hpo_torch.study.recovery import STATES, Recorded
from hpo_torch.study.retry_policy import is_of_the_place
from hpo_torch.study.scoring import Scorer
from hpo_torch.study.settling import newly_settled
from hpo_torch.study.strays import put_back
from hpo_torch.study.take_over import begin, go_on
from hpo_torch.study.trial_marks import ATTEMPTS, HYPERPARAMETERS
from hpo_torch.study.verdict import trial_retried

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from hpo_torch.execution.backend import ExecutionBackend
    from hpo_torch.protocol.events import BackendEvent
    from hpo_torch.protocol.usage import Cost
    from hpo_torch.study.deadlines import Deadlines
    from hpo_torch.study.leases import Lease, Leases
    from hpo_torch.study.live import LiveTrial
    from hpo_torch.study.proposals import Proposals
    from hpo_torch.study.recovery import History
    from hpo_torch.study.workplace import Workplace

POLL_SECONDS = 0.2
ALL_DONE = "all trials done"


class StudyRunner:
    """Works on one study until it is complete, its time is up, or the user stops it.

    A trial that is in flight when the loop ends stays running in Optuna's storage: who resumes the
    study goes on with it.

    Args:
        place: The study and the run.
        leases: Which trials are ours.
        proposer: Chooses configurations.
        backend: Where trials run, started.
        deadlines: Time limits.
        history: What earlier processes did.

    Attributes:
        reason: Why the study ends; until it does, why its trials are to pause; "" while they go on.
        searched: Whether all that was wanted, or all that there is, has been trained.
        devices: What trials trained on, in their workers' words.
    """

    def __init__(
        self,
        place: Workplace,
        leases: Leases,
        proposer: Proposals,
        backend: ExecutionBackend,
        deadlines: Deadlines,
        history: History,
    ) -> None:
        self._place, self._leases, self._proposer = place, leases, proposer
        self._backend, self._deadlines, self._history = backend, deadlines, history
        self._scorer = Scorer(place.plan.config.search, place.study)
        self._brake = Brake(backend, deadlines)
        self._live: dict[int, LiveTrial] = {}
        self._interrupts = Interrupts()
        self.reason, self.searched = "", False
        self._broken = False  # whether a place's failure was said
        self._nothing_left = ""  # in the proposer's words; those in flight train to their end
        self.devices = set(history.devices)

    @property
    def cost(self) -> Cost | None:
        """What all attempts cost, those of earlier processes included; None of own hardware."""
        return self._history.spending.cost

    def run(self) -> None:
        """Train; the first Ctrl-C (or SIGTERM) stops trials after their epoch, the second now."""
        with self._interrupts.counted():
            while self._step():
                pass
            for number in self._live:
                self._leases.release(number)

    def settle(self) -> None:
        """Take in what attempts used that the loop did not see end; once the backend is closed."""
        for live in self._live.values():
            self._settle(live)

    def _step(self) -> bool:
        """Do one round; False once nothing is left to do."""
        if self._interrupts.count > 1:
            self.reason = self.reason or INTERRUPTED
            return False
        if self._deadlines.study_is_over():
            self.reason = self.reason or TIMEOUT
        self._brake.heed_deadlines(self._live.values())
        while self._has_room() and self._start_next():
            pass
        if not self._live and self._is_over():
            return False
        events = self._backend.poll(POLL_SECONDS)
        if self._interrupts.count:
            self.reason = self.reason or INTERRUPTED
        for event in events:
            self._handle(event)
        if self.reason and self._place.plan.remote:
            self._brake.call_back(self._live.values())
        return True

    def _is_over(self) -> bool:
        """Say, while nothing is in flight, whether nothing more can be done; `reason` says why."""
        done = self._nothing_left or (ALL_DONE if self._leases.is_complete() else "")
        self.searched = bool(done) and not self.reason
        self.reason = self.reason or done or self._backend.refusal
        return bool(self.reason)

    def _has_room(self) -> bool:
        if self.reason or self._nothing_left or len(self._live) >= self._backend.capacity:
            return False
        # What an earlier process began may still run: that is no more than it costs already.
        return self._leases.has_begun() or not self._backend.refusal

    def _start_next(self) -> bool:
        """Start one trial; False where there is none to start."""
        lease = self._leases.take()
        if lease is None:
            return False
        if lease.trial is None:
            return self._start_new(lease)
        trial = self._place.study.get_trials(deepcopy=False)[lease.trial]
        if HYPERPARAMETERS not in trial.user_attrs:
            put_back(self._place.study, trial.number)
            return self._start_new(lease)
        if trial.state == OptunaState.RUNNING:
            self._take_over(trial)
        else:
            self._leases.finish(trial.number, STATES[trial.state])
        return True

    def _start_new(self, lease: Lease) -> bool:
        proposal = self._proposer.propose()
        if proposal is None:
            self._nothing_left = self._proposer.reason
            return False
        live = begin(self._place, proposal)
        self._leases.bind(lease, live.job.trial)
        self._submit(live)
        return True

    def _take_over(self, trial: FrozenTrial) -> None:
        """Go on with a trial of an engine that is gone, where its last epoch ended."""
        recorded = self._history.trials.get(trial.number, Recorded())
        live = go_on(self._place, trial, recorded)
        prune = live.loses()
        if live.job.attempt not in recorded.ended and self._backend.reattach(live.job):
            live.submit(live.job, self._deadlines.clock())
            self._live[trial.number] = live
            if prune:
                self._brake.prune(live)
        elif prune:
            live.submit(live.job, self._deadlines.clock())
            live.pruned = True
            words = {"trial": trial.number, "attempt": live.job.attempt}
            self._conclude(live, TrainingFinished(**words, outcome="stopped"))
        elif self._backend.refusal:
            self._leases.release(trial.number)
        else:
            self._try_again(live, new_attempt())

    def _try_again(self, live: LiveTrial, attempt: str) -> None:
        self._settle(live)
        live.attempts.append(attempt)
        live.handle.set_user_attr(ATTEMPTS, live.attempts)
        live.job = live.job.model_copy(
            update={"attempt": attempt, "known_epochs": len(live.epochs)}
        )
        self._submit(live)

    def _submit(self, live: LiveTrial) -> None:
        live.submit(live.job, self._deadlines.clock())
        self._live[live.job.trial] = live
        self._backend.submit(live.job)

    def _handle(self, event: BackendEvent) -> None:
        live = self._live.get(event.trial)
        if live is None or live.job.attempt != event.attempt:
            return  # a late or repeated word of an attempt that has ended
        if isinstance(event, TrainingFinished):
            self._end_attempt(live, event)
        elif not live.decided:
            if isinstance(event, EpochFinished):
                try:
                    self._hear_epoch(live, event)
                except UpdateFinishedTrialError:  # by an engine that believed us dead
                    self._brake.stop(live, "backend", "finished by another engine")
            elif isinstance(event, TrialStarted):
                self._hear_start(live, event)
            elif live.is_new(event):
                self._place.announce(event)

    def _hear_start(self, live: LiveTrial, event: TrialStarted) -> None:
        if live.training_since is None:  # else it is a repetition
            live.training_since = self._deadlines.clock()
            live.worker, live.device = event.worker, event.device
            self.devices.add(event.device)
            self._place.announce(event)

    def _hear_epoch(self, live: LiveTrial, event: EpochFinished) -> None:
        """Log an epoch, report it, and prune the trial if it loses.

        A decided trial may send another epoch before it has stopped; that it is ignored is what
        makes a run repeat exactly, however fast its workers hear.
        """
        known, number = len(live.epochs), event.metrics.epoch
        if number <= known:
            return  # delivered before
        if number > known + 1:
            why = f"epoch {number} was delivered after epoch {known}"
            self._brake.stop(live, "backend", why)
            return
        score = self._scorer.score(event.so_far)
        live.add(event, score)
        self._place.announce(event.model_copy(update={"score": score}))
        live.report(number)
        if live.loses():
            self._brake.prune(live)
            return
        if self.reason:  # its state is stored, from which the next process goes on
            self._backend.stop(event.trial)

    def _end_attempt(self, live: LiveTrial, finished: TrainingFinished) -> None:
        """Decide what the end of an attempt means: another one, the trial's end, or a pause."""
        del self._live[live.job.trial]
        self._history.spending.hear(finished)
        if finished.usage is not None:
            live.usage[finished.attempt] = finished.usage
        if live.decided or finished.outcome == "completed":
            self._conclude(live, finished)
        elif finished.outcome == "stopped" and self.reason:
            self._pause(live, finished)
        elif not self._retries(live, finished):
            self._conclude(live, finished)

    def _retries(self, live: LiveTrial, finished: TrainingFinished) -> bool:
        """Whether a failed attempt is followed by another one: now, or when the study goes on."""
        kind = finished.failure_kind
        if kind is None:
            return False
        write_traceback(self._place.run, live, finished)
        if kind == "backend" and not finished.moves_on:  # once mended, it goes on
            self._break_off(f"trial {live.job.trial}: {finished.message}")
        retry = live.retry(kind, self._place.plan.config.execution.retries, finished.moves_on)
        ends = self.reason or self._backend.refusal
        if ends and (retry is not None or is_of_the_place(kind)):
            self._pause(live, finished)
            return True
        if retry is None:
            return False
        attempt = new_attempt()
        self._place.announce(trial_retried(live, finished, kind, retry, attempt))
        live.job = live.job.model_copy(update={"accumulate": retry.accumulate})
        self._try_again(live, attempt)
        return True

    def _pause(self, live: LiveTrial, finished: TrainingFinished) -> None:
        """Leave a trial for later; who goes on knows that this attempt has ended, and its cost."""
        self._place.announce(finished)
        self._leases.release(live.job.trial)

    def _break_off(self, reason: str) -> None:
        self.reason = self.reason or reason
        if not self._broken:  # others that were in flight there fail too
            self._place.warn(f"{reason}; stopping, to be resumed once that is mended")
        self._broken = True

    def _settle(self, live: LiveTrial) -> None:
        for event in newly_settled(live, self._backend.settled):
            self._history.spending.hear(event)
            self._place.announce(event)

    def _conclude(self, live: LiveTrial, finished: TrainingFinished) -> None:
        self._settle(live)
        write_traceback(self._place.run, live, finished)
        seconds = live.seconds(self._deadlines.clock())
        if not conclude(self._place, self._leases, self._scorer, live, finished, seconds):
            self._place.warn(f"trial {live.job.trial} belongs to another engine by now")
        limit = self._place.plan.config.search.max_failures
        if self._place.standings.failures_in_a_row >= limit and not self.reason:
            self.reason = f"{limit} trials in a row failed"
