"""What a backend and the threads of its remote jobs tell each other, and what they share."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hpo_torch_runpod.endpoint_client import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from queue import SimpleQueue

    from hpo_torch.protocol.events import BackendEvent
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch.protocol.usage import RemoteUsage
    from hpo_torch_runpod.endpoint_client import EndpointClient
    from hpo_torch_runpod.ledger import Ledger
    from hpo_torch_runpod.remote_job import RemoteJob
    from hpo_torch_runpod.submission import Submitter
    from hpo_torch_runpod.wire import StoredArtefact


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Seconds; tests take shorter ones.

    Attributes:
        running: Between two looks at a running job. RunPod allows 200 looks a second.
        queued: The same at a queued one; grows to five times as much while it waits.
        drain: After a cancel, in which chunks still arrive that the worker sent before it heard.
        settle: In which a job whose trials have ended is to end too.
        grace: In which a cancelled job is to end.
        patience: In which one request is repeated.
        silence: Without one good answer, after which a job is given up.
        close: In which `close` is done.
    """

    running: float = 1.0
    queued: float = 1.0
    drain: float = 1.0
    settle: float = 10.0
    grace: float = 30.0
    patience: float = PATIENCE_SECONDS
    silence: float = 600.0  # jobs run on meanwhile, and RunPod keeps their results for 30 minutes
    close: float = 15.0

    def pause(self, waited: float | None) -> float:
        """Return the seconds until the next look at a job.

        Args:
            waited: Seconds that it has waited for a worker; None where one has it.
        """
        if waited is None:
            return self.running
        return min(max(self.queued, waited / 10), 5 * self.queued)


@dataclass(frozen=True, slots=True)
class Order:
    """What the backend tells a job's thread.

    Attributes:
        what: "stop", "kill" and "adopt" are about a trial, the others about the job: "expire" gives
            it up because no worker takes it, "close" because this process ends.
        job: The trial.
        seconds: That the job has waited in vain.
    """

    what: Literal["stop", "kill", "adopt", "expire", "close"]
    job: TrialJob | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Said:
    """Something happened in an attempt; a `TrainingFinished` is its end."""

    event: BackendEvent


@dataclass(frozen=True, slots=True)
class GivenBack:
    """A trial that no worker has begun with; it is to be submitted again."""

    job: TrialJob


@dataclass(frozen=True, slots=True)
class Moved:
    """An attempt is trained by another job of the same endpoint, whose id is `to`."""

    job: TrialJob
    to: str


@dataclass(frozen=True, slots=True)
class Used:
    """What an attempt used whose end was told before that was known; None: nothing.

    A job that was posted in vain has a name of its own, as an attempt has.
    """

    attempt: str
    usage: RemoteUsage | None


@dataclass(frozen=True, slots=True)
class Warned:
    """One line for the user."""

    message: str


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing more will come of a job; `error` is what broke this side, if anything did."""

    source: RemoteJob
    error: BaseException | None = None


Report = Said | GivenBack | Moved | Used | Warned | Over


class Contact:
    """Remembers, for all jobs together, when an endpoint last gave a good answer."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._heard: dict[str, float] = {}

    def heard(self, endpoint: str) -> None:
        """Note a good answer."""
        with self._lock:
            self._heard[endpoint] = self._clock()

    def silent_for(self, endpoint: str) -> float:
        """Return the seconds since the last one; infinite where there never was one."""
        with self._lock:
            return self._clock() - self._heard.get(endpoint, float("-inf"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all remote jobs of a backend share.

    Attributes:
        ledger: The run's.
        received: Folder of received chunks.
        outbox: Where reports go.
        submitter: Makes jobs' inputs.
        fetch: Brings a stored file home.
        contact: When endpoints answered last.
        connect: Makes the client of an endpoint, for one job.
        timings: How long everything may take.
    """

    ledger: Ledger
    received: Path
    outbox: SimpleQueue[Report]
    submitter: Submitter
    fetch: Callable[[StoredArtefact, Path], None]
    contact: Contact
    connect: Callable[[str, threading.Event | None], EndpointClient]
    timings: Timings
