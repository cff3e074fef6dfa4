"""Which endpoints have shown that their workers can train: found out with one job each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.protocol.events import TrainingFinished, TrialStarted
from hpo_torch_runpod.ledger import Proven
from hpo_torch_runpod.wire import NO_DATA

if TYPE_CHECKING:
    from hpo_torch.protocol.events import BackendEvent
    from hpo_torch_runpod.ledger import Ledger


class Proving:
    """The part of the preflight that only a worker can do.

    Whether the image starts, is of this version, finds a card and can have the data set, no record
    of RunPod's says. The first job that goes to an endpoint finds out, which costs no more than
    that job: as long as no worker there has begun to train, there is never a second one beside it,
    and what it lacks is the place's fault, not bad luck with one worker. An endpoint that has
    proven itself stays so for the run, in later processes too.

    Args:
        ledger: Of the run.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._proven = ledger.proven()

    def has(self, endpoint: str) -> bool:
        """Return whether a worker of the endpoint has begun to train."""
        return endpoint in self._proven

    def hear(self, event: BackendEvent, endpoint: str) -> BackendEvent:
        """Take in what an endpoint's job says of a trial; return what that means for the study."""
        if self.has(endpoint):
            return event
        if isinstance(event, TrialStarted):
            self._proven.add(endpoint)
            self._ledger.add(Proven(endpoint=endpoint))
        elif isinstance(event, TrainingFinished) and event.message.startswith(NO_DATA):
            return event.model_copy(update={"failure_kind": "backend"})
        return event
