"""One job on the worker: its trials one after another, in a thread of their own."""

from __future__ import annotations

import inspect
import pkgutil
import threading
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo_torch.plugin_api import TRAIN_TARGET, failed_training, run_job
from hpo_torch.protocol.events import TrainingFinished
from hpo_torch_runpod.wire import Claimed, dump_line
from hpo_torch_runpod.worker.data import StopRequested, WorkerFault, find_data
from hpo_torch_runpod.worker.weights import FILE, WeightsSender

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hpo_torch.plugin_api import TrainFunction
    from hpo_torch.protocol.events import BackendEvent
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch_runpod.job_input import JobInput
    from hpo_torch_runpod.wire import Line
    from hpo_torch_runpod.worker.claims import Claims
    from hpo_torch_runpod.worker.folders import Folders
    from hpo_torch_runpod.worker.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class Workplace:
    """What all jobs of a worker share.

    Attributes:
        name: Of the worker, for events.
        folders: Where files are.
        claims: Which jobs train what.
    """

    name: str
    folders: Folders
    claims: Claims


class JobRun:
    """A job that runs, and what it says.

    Args:
        job_id: RunPod's.
        job_input: What to train.
        place: The worker's.
        mailbox: Takes the lines; closed when the thread ends.
    """

    def __init__(
        self, job_id: str, job_input: JobInput, place: Workplace, mailbox: Mailbox
    ) -> None:
        self._id, self._input, self._place, self.mailbox = job_id, job_input, place, mailbox
        self._stop = threading.Event()
        self._weights = WeightsSender(job_input.bucket, place.folders)
        self._thread = threading.Thread(target=self._work, name=f"job-{job_id}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end at the trainer's next step; nobody reads any more what it says."""
        self._stop.set()
        self.mailbox.abandon()

    def has_ended_within(self, seconds: float) -> bool:
        """Wait for the thread's end, and say whether it came."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            for job in self._input.trials:
                if self._stop.is_set():
                    return
                self._take(job)
        finally:
            self.mailbox.close()

    def _take(self, job: TrialJob) -> None:
        """Train a trial, unless another job does; whatever happens touches this trial only."""
        # Not before its turn: another job may take it while this one trains the trials before it.
        holder = self._place.claims.claim(job.attempt, self._id)
        if holder != self._id:
            self._say(Claimed(attempt=job.attempt, by=holder))
            return
        try:
            with self._place.folders.work(job) as folder:
                finished = _blame(self._train(job, folder), folder)
            if finished.outcome == "completed" or finished.failure_kind == "diverged":
                self._place.folders.forget(job)
        except WorkerFault as fault:
            finished = failed_training(job, fault.kind, str(fault))
        except StopRequested:
            finished = TrainingFinished(trial=job.trial, attempt=job.attempt, outcome="stopped")
        except OSError as error:
            finished = failed_training(job, "backend", f"{type(error).__name__}: {error}")
        except BaseException as error:
            message = f"{type(error).__name__}: {error}"
            finished = failed_training(job, "user_code", message, traceback.format_exc())
        try:
            self._say(finished)
        except Exception as error:  # words that cannot be sent, such as half of a character
            message = f"its last word cannot be sent: {type(error).__name__}"
            self._say(failed_training(job, "user_code", message))

    def _train(self, job: TrialJob, folder: Path) -> TrainingFinished:
        """Train, say everything but the last word, and return that."""
        last: list[TrainingFinished] = []

        def emit(event: BackendEvent) -> None:
            line = dump_line(event)  # what cannot be sent fails its trial here
            if isinstance(event, TrainingFinished):
                last.append(event)
            else:
                self.mailbox.put(line)

        here = job.model_copy(update={"output_dir": str(folder), "device": "auto"})
        run_job(self._train_function(), here, emit, self._stop, worker=self._place.name)
        (finished,) = last
        wanted = self._input.weights_of is None or job.attempt in self._input.weights_of
        if wanted and (folder / FILE).exists() and not self._stop.is_set():
            for line in self._weights.lines(job, folder / FILE, finished):
                self._say(line)
        return finished

    def _train_function(self) -> TrainFunction:
        """Return what trains a trial with its data; one that takes no loader finds its own."""

        def train(
            job: TrialJob,
            emit: Callable[[BackendEvent], None],
            stop: threading.Event,
            *,
            worker: str,
        ) -> None:
            target = self._input.train_target or TRAIN_TARGET
            try:
                function = pkgutil.resolve_name(target)
            except (ImportError, AttributeError) as error:
                message = f"{target} cannot be imported: {error}"
                emit(failed_training(job, "backend", message, traceback.format_exc()))
                return
            found, loader = find_data(job, self._input.data, self._place.folders, stop)
            takes_loader = "loader" in inspect.signature(function).parameters
            more = {"loader": loader} if takes_loader else {}
            function(found, emit, stop, worker=worker, **more)

        return train

    def _say(self, line: Line) -> None:
        self.mailbox.put(dump_line(line))


def _blame(finished: TrainingFinished, folder: Path) -> TrainingFinished:
    """Return a trial's end, as a lost worker's if another worker has removed the trial's folder.

    That is one whose loss RunPod only believed in: nothing is wrong with this place.
    """
    if finished.failure_kind != "backend" or folder.is_dir():
        return finished
    message = f"another worker has ended this trial meanwhile: {finished.message}"
    return finished.model_copy(update={"failure_kind": "worker_died", "message": message})
