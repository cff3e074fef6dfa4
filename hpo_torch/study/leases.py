"""Leases: which engine brings which of a study's wanted trials to its end, each exactly one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hpo_torch.protocol.events import TrialState


@dataclass(frozen=True, slots=True)
class Lease:
    """The right and the duty to finish one of the study's wanted trials.

    Attributes:
        slot: Which of them, 0..wanted-1.
        trial: Number of the trial if an engine that is gone has begun it; None if it is still to
            be asked for.
    """

    slot: int
    trial: int | None


class Leases(Protocol):
    """Hands out leases; the study's loop takes one before it asks for, or goes on with, a trial."""

    def take(self) -> Lease | None:
        """Take what nobody works on: an abandoned trial first, then one still to be asked for.

        Returns:
            None where there is nothing to take: all wanted trials are finished, or others work on
            what is left (and may die: ask again later).
        """

    def has_begun(self) -> bool:
        """Whether what is taken next is known to be a trial that was begun before."""

    def bind(self, lease: Lease, trial: int) -> None:
        """Say which trial was asked for; with it the lease survives this engine's death."""

    def finish(self, trial: int, state: TrialState) -> bool:
        """Give a lease back as done.

        Returns:
            Whether it was still ours; if not (we were believed dead and another engine went on
            with the trial) the result must not be told.
        """

    def release(self, trial: int) -> None:
        """Give a lease back undone, for a later process or another engine to go on with."""

    def is_complete(self) -> bool:
        """Whether all wanted trials are finished, by whichever engine."""

    def close(self) -> None:
        """Release what is still held, and stop renewing."""
