"""The trials of one remote job: what is told of each, its end exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.plugin_api import HpoTorchError, OutputError
from hpo_torch_runpod.bucket import BucketError
from hpo_torch_runpod.endings import Failure, failed, stopped, why_it_ended
from hpo_torch_runpod.follower import Follower, Progress
from hpo_torch_runpod.received_files import ReceivedFiles
from hpo_torch_runpod.reports import GivenBack, Moved, Said, Used, Warned
from hpo_torch_runpod.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from queue import SimpleQueue

    from hpo_torch.protocol.events import BackendEvent, TrainingFinished
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch.protocol.usage import RemoteUsage
    from hpo_torch_runpod.endpoint_client import JobAnswer
    from hpo_torch_runpod.meter import Meter
    from hpo_torch_runpod.reports import Report


class JobTrials:
    """Knows how far each attempt of a job is, and reports; asks nothing of the network.

    Args:
        jobs: What is trained, in order.
        meter: Says what it used.
        files: What came of files.
        outbox: Where reports go.
    """

    def __init__(
        self,
        jobs: Sequence[TrialJob],
        meter: Meter,
        files: ReceivedFiles,
        outbox: SimpleQueue[Report],
    ) -> None:
        self._meter, self._files, self._outbox = meter, files, outbox
        self._follower = Follower(files)
        self._killed: list[Progress] = []
        for job in jobs:
            self.adopt(job)

    @property
    def alive(self) -> list[Progress]:
        """Return the attempts whose end was not told."""
        return [each for each in self._follower.attempts.values() if not each.over]

    @property
    def wait_for_the_job(self) -> bool:
        """Whether all attempts have said their last word: only the job has not ended."""
        return all(each.finished for each in self.alive)

    @property
    def restarts(self) -> int:
        """How often RunPod was seen to run the job again."""
        return self._follower.restarts

    @property
    def run_unwanted(self) -> bool:
        """Whether the worker trains what nobody waits for any more."""
        return any(
            each.over and each.has_begun and not (each.finished or each.claimed_by)
            for each in self._follower.attempts.values()
        )

    def adopt(self, job: TrialJob) -> None:
        """Follow this attempt too."""
        self._tell(self._follower.adopt(job))

    def hear(self, chunks: Iterable[object]) -> None:
        """Take in what arrived, and tell what is news of it."""
        self._tell(self._follower.take(chunks))

    def stop(self, attempt: str) -> bool:
        """Stop an attempt; return whether the job has to be cancelled for that.

        One that waits behind another is only crossed out, as a cancel would reach the other.
        """
        progress = self._follower.attempts.get(attempt)
        if progress is None or progress.over:
            return False
        progress.asked_to_stop = True
        if not self._waits_behind_another(progress):
            return True
        self._end(progress, stopped(progress.job), self._meter.nothing())
        return False

    def kill(self, attempt: str) -> bool:
        """Leave an attempt whose end the backend has told; return as `stop` does."""
        progress = self._follower.attempts.get(attempt)
        if progress is None or progress.over:
            return False
        behind = self._waits_behind_another(progress)
        progress.over = True
        self._killed.append(progress)
        return not behind

    @property
    def wanted(self) -> list[TrialJob]:
        """Return the trials that somebody waits for and nobody wants stopped."""
        return [each.job for each in self.alive if not each.asked_to_stop]

    def doubt(self, most: float) -> None:
        """Have each attempt that ends from now on cost `most` USD, if not more; see `Meter`."""
        self._meter.doubt(most)

    def cross_out(self, *, used: bool) -> None:
        """End those that are to be stopped, before a job has them.

        Args:
            used: Whether a job may have them, unknown to us.
        """
        crossed_out = [each for each in self.alive if each.asked_to_stop]
        self._share_out([(each, stopped(each.job)) for each in crossed_out], used=used)

    def fail(self, failure: Failure, *, used: bool) -> None:
        """End all that are left; `used` says whether any of it was posted."""
        self._share_out([(each, failed(each.job, failure)) for each in self.alive], used=used)

    def conclude(self, answer: JobAnswer | None, *, cancelled: bool) -> None:
        """End everything with the job.

        Args:
            answer: Its last state; None where RunPod does not know it any more.
            cancelled: Whether it was cancelled from here.
        """
        self._tell(self._follower.give_up_gaps())
        ends: list[tuple[Progress, TrainingFinished]] = []
        for progress in self.alive:
            end = self._last_word(progress, answer, cancelled=cancelled)
            if end is None:
                progress.over = True
                self._outbox.put(GivenBack(progress.job))
            else:
                ends.append((progress, end))
        moved = [each for each in self._follower.attempts.values() if each.claimed_by]
        if moved and not (ends or self._killed):
            # Its attempts cost elsewhere; that it started a worker for nothing is paid as well.
            name = f"{moved[0].job.attempt} in vain, {self._meter.job}"
            self._outbox.put(Used(name, self._meter.rest(moved[0])))
        self._share_out(ends, used=True)

    def _share_out(self, ends: Sequence[tuple[Progress, TrainingFinished]], *, used: bool) -> None:
        """Tell ends, each with what it used; the last one has all that is left of the job."""
        killed, self._killed = self._killed, []
        told = [*ends, *((progress, None) for progress in killed)]
        for number, (progress, end) in enumerate(told, 1):
            usage: RemoteUsage | None = None
            if used:
                last = number == len(told)
                usage = self._meter.rest(progress) if last else self._meter.part(progress)
            if end is None:
                self._outbox.put(Used(progress.job.attempt, usage))
            else:
                self._end(progress, end, usage)

    def _waits_behind_another(self, progress: Progress) -> bool:
        return not progress.has_begun and any(
            each.has_begun and not each.finished for each in self.alive if each is not progress
        )

    def _tell(self, events: Iterable[BackendEvent]) -> None:
        for event in events:
            if not self._follower.attempts[event.attempt].over:
                self._outbox.put(Said(event))
        for progress in self.alive:
            if progress.claimed_by:
                progress.over = True
                self._outbox.put(Moved(progress.job, progress.claimed_by))
            elif progress.finished and self._is_followed_by_others(progress):
                end = self._own_end(progress, progress.finished, final=False)
                if end is not None:
                    self._end(progress, end, self._meter.part(progress))

    def _is_followed_by_others(self, progress: Progress) -> bool:
        """Whether the job goes on after it, so that its end need not wait for the job's."""
        return any(each is not progress and not each.finished for each in self.alive)

    def _is_not_the_first(self, progress: Progress) -> bool:
        others = self._follower.attempts.values()
        return any(each.finished and each is not progress for each in others)

    def _last_word(
        self, progress: Progress, answer: JobAnswer | None, *, cancelled: bool
    ) -> TrainingFinished | None:
        """Return how an attempt ends with its job; None if it is to be submitted again."""
        if progress.finished and not (progress.lost and progress.finished.outcome == "completed"):
            return self._own_end(progress, progress.finished, final=True)
        if progress.asked_to_stop:
            return stopped(progress.job)
        why = why_it_ended(answer, progress)
        if why.kind == "timeout" and self._is_not_the_first(progress):
            why = Failure("worker_died", "the trials of its job before it have used the job's time")
        if cancelled:
            why = Failure("worker_died", "the job that it shared was cancelled for another trial")
        elif answer is None or answer.status == "COMPLETED" or why.kind == "backend":
            return failed(progress.job, why)
        if not progress.has_begun and (cancelled or progress is not self._culprit()):
            return None
        return failed(progress.job, why)

    def _culprit(self) -> Progress:
        """Return the attempt that a job failed with: that which was trained, or was next."""
        rest = [each for each in self.alive if not each.finished]
        return next((each for each in rest if each.has_begun), rest[0])

    def _own_end(
        self, progress: Progress, finished: TrainingFinished, *, final: bool
    ) -> TrainingFinished | None:
        """Return an attempt's own last word, once its files are home.

        None means that a file is damaged or incomplete, which the job's aggregate may mend; where
        that is `final`, its result is lost.
        """
        if finished.outcome != "completed":
            return finished
        try:
            self._files.write(progress.job.attempt, progress.run, progress.job.output_dir)
        except WireError as error:
            lost = Failure("worker_died", f"result lost: {error}")
            return failed(progress.job, lost) if final else None
        except BucketError as error:
            self._outbox.put(
                Warned(f"trial {progress.job.trial}: its weights stay where they are: {error}")
            )
        except OutputError:
            raise
        except HpoTorchError as error:
            return failed(progress.job, Failure("worker_died", f"result lost: {error}"))
        return finished

    def _end(self, progress: Progress, end: TrainingFinished, usage: RemoteUsage | None) -> None:
        progress.over = True
        self._files.forget(progress.job.attempt)
        self._outbox.put(Said(end.model_copy(update={"usage": usage})))


def end_of(job: TrialJob, chunks: Iterable[object]) -> TrainingFinished | None:
    """Return an attempt's last word in a job's chunks; None where that, or a part before, lacks."""
    follower = Follower(ReceivedFiles(lambda *_: None))  # only listens
    follower.adopt(job)
    follower.take(chunks)
    progress = follower.attempts[job.attempt]
    return None if progress.lost else progress.finished
