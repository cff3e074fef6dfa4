"""One event, every listener: the log numbers it first, then screens and plugins hear it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pluggy

    from hpo_torch.protocol.events import AnyEvent
    from hpo_torch.results.event_log import EventLog

# Events whose name is also the name of an observer hook.
OBSERVED = frozenset(
    {"study_started", "trial_started", "epoch_finished", "trial_finished", "study_finished"}
)


class Announcer:
    """Appends events to a run's log and passes them on.

    Args:
        log: The run's event log; what it returns has a number.
        listeners: Called with each numbered event, in order.
        hooks: pluggy's hook caller; an observer that raises becomes a warning.
        warn: Takes one line about an observer that failed.
    """

    def __init__(
        self,
        log: EventLog,
        listeners: Sequence[Callable[[AnyEvent], None]],
        hooks: pluggy.HookRelay,
        warn: Callable[[str], None],
    ) -> None:
        self._log, self._listeners, self._hooks, self._warn = log, listeners, hooks, warn

    def __call__(self, event: AnyEvent) -> None:
        """Store the event, then tell everyone."""
        numbered = self._log.append(event)
        for listener in self._listeners:
            listener(numbered)
        if numbered.kind in OBSERVED:
            try:
                getattr(self._hooks, numbered.kind)(event=numbered)
            except Exception as error:  # a plugin's observer must not end a study
                self._warn(f"an observer of {numbered.kind} failed: {error}")
