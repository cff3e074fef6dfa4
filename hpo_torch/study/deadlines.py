"""Time limits: of the whole study, over all processes that work on it, and of one trial."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from hpo_torch.config.schema import SearchSettings
    from hpo_torch.study.live import LiveTrial

# Between asking a trial to stop and killing it: its step, or its validation, may take a while.
GRACE_SECONDS = 10.0
# The same where no time limit says that trials may not take long.
PATIENT_GRACE_SECONDS = 300.0
# Bringing up a worker and reading the data are not the trial's fault, but must end as well.
STARTUP_SECONDS = 300.0


class Deadlines:
    """Watches the clock.

    Args:
        search: `timeout` and `trial_timeout`.
        spent: Seconds that earlier processes worked on this study.
        clock: Seconds, monotonic.
        queued: Whether trials may wait for hardware that others use: then a late start is nobody's
            fault, and its end the backend's affair.
    """

    def __init__(
        self,
        search: SearchSettings,
        spent: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        queued: bool = False,
    ) -> None:
        self._startup = math.inf if queued else STARTUP_SECONDS
        self._timeout, self._trial_timeout = search.timeout, search.trial_timeout
        self._spent, self.clock = spent, clock
        self._started = clock()

    @property
    def seconds(self) -> float:
        """Seconds that were worked on this study, by all processes."""
        return self._spent + self.clock() - self._started

    def study_is_over(self) -> bool:
        """Whether no more trials may be started, nor epochs."""
        return self._timeout is not None and self.seconds >= self._timeout

    def is_overdue(self, live: LiveTrial) -> bool:
        """Whether a trial has used up its time, that of its earlier attempts included."""
        limit = self._trial_timeout
        if limit is None:
            return False
        if live.training_since is None:
            return self.clock() - live.submitted_at >= max(limit, self._startup)
        return live.seconds_before + self.clock() - live.training_since >= limit

    def must_be_killed(self, live: LiveTrial) -> bool:
        """Whether a trial whose end is decided did not stop in time, and was not killed yet."""
        if not live.decided or live.killed or live.stopped_at is None:
            return False
        grace = PATIENT_GRACE_SECONDS if self._trial_timeout is None else GRACE_SECONDS
        return self.clock() - live.stopped_at >= grace
