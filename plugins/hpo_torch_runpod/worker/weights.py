"""How a trial's weights leave the worker: inline, through a bucket, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.protocol.events import HealthAlert
from hpo_torch_runpod.bucket import Bucket, BucketError, store_weights
from hpo_torch_runpod.wire import INLINE_LIMIT, INLINE_LIMIT_OF_JOB, artefact_parts, pack

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hpo_torch.protocol.events import TrainingFinished
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch_runpod.wire import Line
    from hpo_torch_runpod.worker.folders import Folders

FILE = "model.ckpt"

# Weights shrink by a tenth. Larger files are not compressed, at the card's price, to learn that.
_WORTH_PACKING = 10 * INLINE_LIMIT


class WeightsSender:
    """Turns the weights of a job's trials into lines.

    Args:
        bucket: "s3://bucket/prefix" for large ones; None where there is none.
        folders: The worker's.
    """

    def __init__(self, bucket: str | None, folders: Folders) -> None:
        self._bucket, self._folders = bucket, folders
        self._room = INLINE_LIMIT_OF_JOB

    def lines(self, job: TrialJob, path: Path, finished: TrainingFinished) -> Sequence[Line]:
        """Return what brings weights home, or the alert that says why nothing does.

        Args:
            job: The trial.
            path: Of its model.ckpt.
            finished: How it ended.
        """
        try:
            return self._send(job, path, finished)
        except Exception as error:  # a trained trial is worth more than its weights
            problem = f"its weights stay behind: {type(error).__name__}: {error}"
            return [_alert(job, finished, problem)]

    def _send(self, job: TrialJob, path: Path, finished: TrainingFinished) -> Sequence[Line]:
        if path.stat().st_size <= _WORTH_PACKING:
            content = path.read_bytes()
            packed = pack(content)
            if len(packed) <= min(INLINE_LIMIT, self._room):
                self._room -= len(packed)
                return artefact_parts(job.attempt, path.name, content, packed)
        problem = "there is no bucket (--bucket s3://BUCKET/PREFIX)"
        if self._bucket is not None:
            try:
                bucket = Bucket.from_environment()
                return [store_weights(bucket, path, self._bucket, job.study, job.attempt)]
            except BucketError as error:
                problem = str(error)
        return [_alert(job, finished, self._lost(job, path, problem))]

    def _lost(self, job: TrialJob, path: Path, problem: str) -> str:
        lost = (
            f"its weights stay behind: {path.stat().st_size:,} bytes are too many to come with the "
            f"job's result, and {problem}"
        )
        if not self._folders.shared:
            return lost
        return f"{lost}; the network volume has them as {self._folders.keep(path, job)}"


def _alert(job: TrialJob, finished: TrainingFinished, message: str) -> HealthAlert:
    return HealthAlert(
        trial=job.trial, attempt=job.attempt, epoch=finished.kept_epoch or 1, message=message
    )
