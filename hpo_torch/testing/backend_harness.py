"""What a backend says of itself to its conformance suite, and how the suite listens to it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, ClassVar

import pytest

from hpo_torch.execution.backend import RunSite
from hpo_torch.protocol.events import TrainingFinished, TrialStarted
from hpo_torch.testing.fake_training import FAKE_TARGET, fake_job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hpo_torch.execution.backend import ExecutionBackend
    from hpo_torch.protocol.events import BackendEvent


class BackendHarness:
    """The base of the suite: declarations to override, and helpers of its tests.

    Attributes:
        worker_processes: Whether trials run in processes of this machine that may die.
        reuses_workers: Whether a worker runs one job after another.
        exactly_once: Whether each event arrives once, and none after its attempt's
            `TrainingFinished`. The suite leaves out the repeated and late events of a backend that
            says it does not, as a study does.
        reattaches: Whether jobs outlive the process that submitted them, so that `reattach` finds
            them; then `restart_backend` is needed.
        shared_files: Whether workers see this machine's folders under the same names.
        patience: Seconds that a job may take from `submit` to its end, start of workers included.
    """

    worker_processes: ClassVar[bool] = True
    reuses_workers: ClassVar[bool] = True
    exactly_once: ClassVar[bool] = True
    reattaches: ClassVar[bool] = False
    shared_files: ClassVar[bool] = True
    patience: ClassVar[float] = 30.0

    site: RunSite
    """The run that the test's backend is started for: its folder is new, its warnings are kept."""

    warnings: list[str]
    """What the backend warned of."""

    def make_backend(self, train_target: str) -> ExecutionBackend:
        """Return a backend, not started, that trains with `train_target` ("module:attribute")."""
        raise NotImplementedError

    def restart_backend(self, backend: ExecutionBackend) -> ExecutionBackend:
        """Return what a new process would, after the one that used `backend` was killed.

        It is started with `self.site`, the same run's, and trains with the same function in the
        same place; `backend` was not closed, and is not used again. The suite closes the new one.
        """
        raise NotImplementedError

    @pytest.fixture
    def backend(self) -> Iterator[ExecutionBackend]:
        """Give a test a started backend, and close it after the test."""
        backend = self.make_backend(FAKE_TARGET)
        backend.start(self.site)
        yield backend
        backend.close()

    @pytest.fixture(autouse=True)
    def _new_run(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        self.forget_events()
        self.warnings = []
        self.site = RunSite(folder=tmp_path_factory.mktemp("run"), warn=self.warnings.append)

    def forget_events(self) -> None:
        """Take every event from now on for news, as a new process does."""
        self._seen: set[str] = set()
        self._ended: set[str] = set()

    def only_with_worker_processes(self) -> None:
        """Skip the test where nothing can die, or where its death cannot be seen."""
        if not self.worker_processes:
            pytest.skip("this backend has no worker processes on this machine")
        if sys.platform == "win32":
            pytest.skip("needs POSIX signals")

    def only_with_shared_files(self) -> None:
        """Skip the test where trials do not see the test's files."""
        if not self.shared_files:
            pytest.skip("this backend's workers do not see this machine's files")

    def poll(self, backend: ExecutionBackend, seconds: float) -> list[BackendEvent]:
        """Return what `backend.poll` does, less what the backend says may come again or late."""
        events = list(backend.poll(seconds))
        return events if self.exactly_once else [each for each in events if self._is_news(each)]

    def until_finished(self, backend: ExecutionBackend, jobs: int) -> list[BackendEvent]:
        """Return all events up to the end of `jobs` jobs."""
        return self.until(backend, TrainingFinished, jobs)

    def until_started(self, backend: ExecutionBackend, jobs: int) -> list[BackendEvent]:
        """Return all events up to the start of `jobs` jobs."""
        return self.until(backend, TrialStarted, jobs)

    def until(
        self, backend: ExecutionBackend, kind: type[BackendEvent], times: int
    ) -> list[BackendEvent]:
        """Return all events up to that which holds the last of `times` events of a kind."""
        deadline = time.monotonic() + self.patience
        events: list[BackendEvent] = []
        while sum(isinstance(event, kind) for event in events) < times:
            left = deadline - time.monotonic()
            assert left > 0, f"no {kind.__name__} in {self.patience} s; so far: {events}"
            events.extend(self.poll(backend, left))
        return events

    def processes(self, backend: ExecutionBackend, jobs: int) -> set[int]:
        """Run jobs one after another; return the numbers of the processes that ran them."""
        numbers = set()
        for trial in range(jobs):
            backend.submit(fake_job(trial, attempt=f"process-{trial}"))
            last = self.until_finished(backend, 1)[-1]
            assert isinstance(last, TrainingFinished)
            numbers.add(int(last.message))
        return numbers

    def outcomes(self, events: list[BackendEvent]) -> dict[int, str]:
        """Return how each trial ended."""
        return {e.trial: e.outcome for e in events if isinstance(e, TrainingFinished)}

    def only_end(self, events: list[BackendEvent]) -> TrainingFinished:
        """Return the one `TrainingFinished`, which must be the last event."""
        ends = [event for event in events if isinstance(event, TrainingFinished)]
        assert ends == events[-1:]
        return ends[0]

    def _is_news(self, event: BackendEvent) -> bool:
        line = event.model_dump_json()
        if line in self._seen or event.attempt in self._ended:
            return False
        self._seen.add(line)
        if isinstance(event, TrainingFinished):
            self._ended.add(event.attempt)
        return True
