"""Trials that are stopped before their end: which, when, and what follows if they do not stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpo_torch.execution.backend import ExecutionBackend
    from hpo_torch.study.deadlines import Deadlines
    from hpo_torch.study.live import LiveTrial, StopReason


class Brake:
    """Stops trials of one study.

    Args:
        backend: Where they run.
        deadlines: Time limits.
    """

    def __init__(self, backend: ExecutionBackend, deadlines: Deadlines) -> None:
        self._backend, self._deadlines = backend, deadlines

    def heed_deadlines(self, trials: Iterable[LiveTrial]) -> None:
        """Stop trials that have used up their time, and kill those that did not stop in time."""
        for live in trials:
            if not live.decided and self._deadlines.is_overdue(live):
                self.stop(live, "timeout", f"not done after {live.job.timeout:g} seconds")
            elif self._deadlines.must_be_killed(live):
                live.killed = True
                self._backend.kill(live.job.trial)

    def prune(self, live: LiveTrial) -> None:
        """Stop a trial that loses."""
        live.pruned = True
        self._halt(live)

    def stop(self, live: LiveTrial, reason: StopReason, message: str) -> None:
        """Stop a trial that has failed."""
        live.stop_reason, live.message = reason, message
        self._halt(live)

    def call_back(self, trials: Iterable[LiveTrial]) -> None:
        """Stop, as their study ends, trials that have not begun to train: nothing of them is lost.

        A worker may be minutes away, and money: a cold start, and an epoch.
        """
        for live in trials:
            if live.training_since is None and live.stopped_at is None:
                self._halt(live)

    def _halt(self, live: LiveTrial) -> None:
        live.stopped_at = self._deadlines.clock()
        self._backend.stop(live.job.trial)
