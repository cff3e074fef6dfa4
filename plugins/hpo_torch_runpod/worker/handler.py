"""What answers RunPod's jobs: an asynchronous generator of chunks."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING, Any

from hpo_torch_runpod.job_input import parse_input
from hpo_torch_runpod.wire import WireError, encode_chunks, new_run
from hpo_torch_runpod.worker.job_run import JobRun
from hpo_torch_runpod.worker.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from hpo_torch_runpod.worker.job_run import Workplace

_LOGGER = logging.getLogger(__name__)

GRACE_SECONDS = 60.0
"""In which a stopped training has to reach its next step, or the process ends."""


def _end_process() -> None:
    os._exit(1)


class Handler:
    """Runs jobs, one at a time; `handle` is what the SDK calls.

    A cancelled or timed-out job stops its training, and no training outlives its job: where one
    does not stop, this process ends, and RunPod starts another.

    Args:
        place: What all jobs share.
        grace: Seconds that a stopped training may take to end.
        give_up: Called where it takes longer.
    """

    def __init__(
        self,
        place: Workplace,
        *,
        grace: float = GRACE_SECONDS,
        give_up: Callable[[], None] = _end_process,
    ) -> None:
        self._place, self._grace, self._give_up = place, grace, give_up
        self._latest: JobRun | None = None

    async def handle(self, job: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Train a job's trials and yield chunks as soon as there is something to say.

        A job that does not fit this worker yields one {"error": text}, which fails it.
        """
        if self._latest is not None:
            await self._end(self._latest)
        try:
            job_input = parse_input(job.get("input"))
        except WireError as error:
            yield {"error": str(error)}
            return
        run = self._latest = JobRun(job["id"], job_input, self._place, Mailbox())
        # The SDK cancels its task while that sends a chunk, too. This generator then hears of it
        # only when it is collected, whenever that is.
        task = asyncio.current_task()
        if task is not None:
            task.add_done_callback(lambda _: run.stop())
        try:
            mark, number = new_run(), 0
            while (lines := await run.mailbox.take()) is not None:
                for chunk in encode_chunks(mark, lines, number):
                    yield chunk
                    number += 1
        finally:  # also where it is cancelled or closed
            await self._end(run)

    async def _end(self, run: JobRun) -> None:
        """Stop a job's training, and wait until it has."""
        run.stop()
        if not await asyncio.to_thread(run.has_ended_within, self._grace):
            _LOGGER.error("a training did not stop within %g s; this worker ends", self._grace)
            self._give_up()
