"""What attempts used of rented hardware whose ends the study never heard, or heard too early."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.protocol.events import AttemptSettled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.protocol.usage import RemoteUsage
    from hpo_torch.study.live import LiveTrial


def newly_settled(live: LiveTrial, settled: Mapping[str, RemoteUsage]) -> list[AttemptSettled]:
    """Take in what a trial's attempts used, as far as that is news; return it for the log.

    A process that was ended, or killed, heard no end of what it had in flight, whose jobs were
    cancelled and cost all the same. Each attempt has one usage: what is settled replaces what was
    told.

    Args:
        live: The trial.
        settled: What the backend knows, by attempt.
    """
    news = []
    for attempt in live.attempts:
        usage = settled.get(attempt)
        if usage is not None and usage != live.usage.get(attempt):
            live.usage[attempt] = usage
            news.append(AttemptSettled(trial=live.job.trial, attempt=attempt, usage=usage))
    return news
