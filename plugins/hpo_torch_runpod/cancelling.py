"""Cancelling one job: whether that is wanted, and whether RunPod has taken it."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from hpo_torch_runpod.endpoint_client import EndpointError, NotFoundError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hpo_torch_runpod.endpoint_client import EndpointClient

HURRY_SECONDS = 5.0
"""In which a request is repeated once everything is to end."""


class Cancelling:
    """Used by the job's thread alone.

    Args:
        client: Of the job's endpoint.
        clock: Seconds, monotonic.

    Attributes:
        wanted_at: Since when the job is to be cancelled; None while it is not.
        taken_at: When RunPod took that; None before.
    """

    def __init__(self, client: EndpointClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._clock = client, clock
        self.wanted_at: float | None = None
        self.taken_at: float | None = None

    @property
    def waited(self) -> float:
        """Return the seconds since it is wanted; 0 while it is not."""
        return 0.0 if self.wanted_at is None else self._clock() - self.wanted_at

    def want(self) -> None:
        """Have the job cancelled at the next occasion."""
        if self.wanted_at is None:
            self.wanted_at = self._clock()

    def ask_if_wanted(self, job: str) -> None:
        """Cancel the job, unless that is not wanted, or done; raises EndpointError.

        A refusal is none: RunPod refuses it for jobs that have ended, which their state says.
        """
        if self.wanted_at is None or self.taken_at is not None:
            return
        with contextlib.suppress(NotFoundError, RefusedError):
            self._client.cancel(job)
            self.taken_at = self._clock()

    def insist(self, job: str) -> bool:
        """Cancel the job, as nobody will follow it any more; return whether RunPod has taken it."""
        self.want()
        self._client.patience = min(self._client.patience, HURRY_SECONDS)
        with contextlib.suppress(EndpointError):
            self.ask_if_wanted(job)
        return self.taken_at is not None
