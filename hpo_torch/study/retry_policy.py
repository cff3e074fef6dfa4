"""Which failures are tried again, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hpo_torch.protocol.events import FailureKind


@dataclass(frozen=True, slots=True)
class Retry:
    """How the next attempt differs.

    Attributes:
        accumulate: Parts of a batch that go through the network one after another.
    """

    accumulate: int


def retry_after(
    kind: FailureKind,
    *,
    accumulate: int,
    deaths_in_a_row: int,
    retries: int,
    moves_on: bool = False,
) -> Retry | None:
    """Decide whether a failed attempt is followed by another one.

    Where memory ran out, batches are split in halves, and in halves again, which computes the same
    steps in less memory; a backend may give the next attempt more memory besides. A worker that
    died (killed, preempted, crashed) says little about the trial, which goes on from its last epoch
    while it makes progress. What is left would fail again: data and code do not change between two
    attempts, and a loss that was not finite stays so. A trial that was stopped for its time has
    used it up. Of a full disk, or workers that do not start ("backend"), another attempt at once
    would die as well, unless it goes to another place: see `is_of_the_place`.

    >>> retry_after("out_of_memory", accumulate=1, deaths_in_a_row=0, retries=2)
    Retry(accumulate=2)

    Args:
        kind: What ended the attempt.
        accumulate: Of the attempt that failed; 1 until memory has run out.
        deaths_in_a_row: Workers that died in this trial since its last finished epoch, this one
            included.
        retries: How many of those, and how many lacks of memory, may be followed by another
            attempt (`execution.retries`).
        moves_on: Whether the next attempt goes to another place.

    Returns:
        None where no other attempt follows.
    """
    if kind == "out_of_memory":
        return Retry(2 * accumulate) if accumulate < 2**retries else None
    if moves_on or (kind == "worker_died" and deaths_in_a_row <= retries):
        return Retry(accumulate)
    return None


def is_of_the_place(kind: FailureKind) -> bool:
    """Whether a failure says nothing about the trial, which goes on when the study does.

    A study that ends takes its workers with it, where a scheduler ends all its processes at once:
    then a death is no failure, however many came before it. A place that is broken ends the study.
    """
    return kind in ("worker_died", "backend")


def says_something_is_broken(kind: FailureKind | None) -> bool:
    """Whether a failure counts towards `search.max_failures`.

    A configuration whose loss diverges, or that takes too long, is a bad configuration in a study
    that works.
    """
    return kind is not None and kind not in ("diverged", "timeout")
