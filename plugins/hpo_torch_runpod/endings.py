"""How an attempt ended whose worker did not say so itself: read from the state of its job."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from hpo_torch.plugin_api import failed_training
from hpo_torch.protocol.events import FailureKind, TrainingFinished
from hpo_torch_runpod.wire import NO_DATA, REFUSED

if TYPE_CHECKING:
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch_runpod.endpoint_client import JobAnswer
    from hpo_torch_runpod.follower import Progress

# CUDA's and PyTorch's words for it, and the kernel's for a process that took all of the host's.
_NO_MEMORY: Final = re.compile(r"out of memory|OutOfMemoryError|OOMKilled", re.IGNORECASE)
_TRACEBACK: Final = re.compile(r"\btraceback\b", re.IGNORECASE)
_LONGEST_MESSAGE = 500


class Failure(NamedTuple):
    """Why a job failed: kind, message, and what the worker said in full."""

    kind: FailureKind
    message: str
    details: str = ""


def failed(job: TrialJob, failure: Failure) -> TrainingFinished:
    """Return the last word on an attempt that failed."""
    return failed_training(job, failure.kind, failure.message, failure.details)


def stopped(job: TrialJob) -> TrainingFinished:
    """Return the last word on an attempt that was stopped as its study asked."""
    return TrainingFinished(trial=job.trial, attempt=job.attempt, outcome="stopped")


def is_the_places(end: TrainingFinished) -> bool:
    """Return whether a worker's last word on an attempt says nothing of the trial.

    It could not train it at all, or could not have its data.
    """
    return end.failure_kind == "backend" or end.message.startswith(NO_DATA)


def why_it_ended(answer: JobAnswer | None, progress: Progress) -> Failure:
    """Return why a job's end is the end of an attempt that had not finished.

    Args:
        answer: The job's state, an ended one; None where RunPod knows no such job any more.
        progress: The attempt, as far as it came.
    """
    if answer is None:
        return Failure(
            "worker_died",
            "RunPod has no such job any more: its time to live or its result's retention is over",
        )
    match answer.status:
        case "FAILED":
            return why_it_failed(answer.error)
        case "TIMED_OUT" if progress.has_begun:
            return Failure(
                "timeout",
                "RunPod ended the job: its execution time is over; --trial-timeout allows more",
            )
        case "TIMED_OUT":
            return Failure("worker_died", "the job's time was over before its worker had begun")
        case "CANCELLED":
            return Failure("worker_died", "its job was cancelled by somebody else")
    lost = progress.lost or "the job is completed, but the end of its training did not arrive"
    return Failure("worker_died", f"result lost: {lost}")


def why_it_failed(error: str) -> Failure:
    """Return what a failed job's error means.

    The SDK's worker puts an exception's type, message and traceback into JSON, or into lines
    ("handler: ... traceback: ..."); what the platform writes itself is plain words.
    """
    message, details = _parts(error)
    short = message.strip()[:_LONGEST_MESSAGE] or "the job failed, and RunPod does not say why"
    if REFUSED in error:
        kind: FailureKind = "backend"
        short = error[error.index(REFUSED) :].splitlines()[0][:_LONGEST_MESSAGE]
    elif _NO_MEMORY.search(error):
        kind = "out_of_memory"
    elif _TRACEBACK.search(details):
        kind = "user_code"
    else:
        kind = "worker_died"
    return Failure(kind, short, details)


def _parts(error: str) -> tuple[str, str]:
    """Return an error's message, and its traceback or all of it."""
    try:
        parsed = json.loads(error)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict) and "error_message" in parsed:
        kind = re.sub(r"<class '(?:builtins\.)?(.*)'>", r"\1", str(parsed.get("error_type", "")))
        words = ": ".join(filter(None, (kind, str(parsed["error_message"]))))
        return words, str(parsed.get("error_traceback") or error)
    head, _, _ = error.partition("\n")
    return head.removeprefix("handler: "), error if head != error else ""
