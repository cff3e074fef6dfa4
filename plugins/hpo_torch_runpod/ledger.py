"""RUN/backend/jobs.jsonl: what was submitted and what it cost, written before it is done.

A submission is written before it is posted, and its job's id as soon as RunPod answers. A process
that dies in between leaves a submission without a job: the attempt may run, may have run, or may
never have arrived. It is then submitted again, and the workers' claims tell (`wire.Claimed`).
"""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from hpo_torch.plugin_api import OutputError, append_whole, output_error
from hpo_torch.protocol.measurements import Frozen
from hpo_torch.protocol.usage import RemoteUsage  # noqa: TC001  # pydantic reads it at run time

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class _Line(Frozen):
    """Base of the ledger's lines; `time` is UTC, ISO 8601."""

    time: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))


class Submitting(_Line):
    """A submission is about to be posted.

    Attributes:
        submission: Its id.
        endpoint: Where it is posted to.
        tier: The endpoint's GPU tier; "" where that is not known.
        reason: Why that one, for people.
        price_per_second: USD for all GPUs of a worker.
        price_source: Where the price comes from.
        attempts: That it trains, one after another; trials by attempt.
        held: USD that each attempt may cost at most.
        data_fraction: Share of the user's own training data that goes with it.
    """

    kind: Literal["submitting"] = "submitting"
    submission: str
    endpoint: str
    tier: str
    reason: str
    price_per_second: float = Field(ge=0.0)
    price_source: str
    attempts: dict[str, int]
    held: float = Field(ge=0.0)
    data_fraction: float = Field(default=1.0, gt=0.0, le=1.0)


class Submitted(_Line):
    """RunPod has taken a submission as job `job`."""

    kind: Literal["submitted"] = "submitted"
    submission: str
    job: str


class Followed(_Line):
    """An attempt turned out to be trained by another job: an earlier post of a lost answer."""

    kind: Literal["followed"] = "followed"
    attempt: str
    job: str


class Settled(_Line):
    """An attempt has ended, and this is what it used; the last line of an attempt counts."""

    kind: Literal["settled"] = "settled"
    attempt: str
    usage: RemoteUsage


class Proven(_Line):
    """A worker of this endpoint has begun to train on the run's data: others can be expected to."""

    kind: Literal["proven"] = "proven"
    endpoint: str


class Uploaded(_Line):
    """The user's own data were put into the bucket, once for all trials: `size` bytes at `url`."""

    kind: Literal["uploaded"] = "uploaded"
    url: str
    size: int = Field(ge=0)


Line = Submitting | Submitted | Followed | Settled | Proven | Uploaded
_LINE: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="kind")])


class Trace(Frozen):
    """What the ledger knows of an attempt.

    Attributes:
        submitting: How it was submitted last.
        job: RunPod's id of the job; None where no answer came.
    """

    submitting: Submitting
    job: str | None = None


class Ledger:
    """A run's ledger; one process writes it, from any thread.

    A line torn by a crash is cut off when the next one is written.

    Args:
        path: Of the file; made with its folder by the first line.

    Raises:
        OutputError: The file cannot be read, or a line is none of the ledger's.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._lines, self._size = _read(path)
        self._settled = settled_usage(self._lines)

    def add(self, line: Line) -> None:
        """Append a line, and wait until the disk has it; raises OutputError."""
        content = line.model_dump_json().encode() + b"\n"
        with self._lock:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
                try:
                    append_whole(descriptor, content, self._size, durable=True)
                finally:
                    os.close(descriptor)
            except OSError as error:
                raise output_error("write", self._path, error) from error
            self._size += len(content)
            self._lines.append(line)
            self._settled |= settled_usage([line])

    def trace(self, attempt: str) -> Trace | None:
        """Return where an attempt was submitted to last; None where it never was."""
        found: Trace | None = None
        for line in self._all():
            match line:
                case Submitting() if attempt in line.attempts:
                    found = Trace(submitting=line)
                case Submitted() if found and line.submission == found.submitting.submission:
                    found = Trace(submitting=found.submitting, job=line.job)
                case Followed() if found and line.attempt == attempt:
                    found = Trace(submitting=found.submitting, job=line.job)
        return found

    def settled(self) -> dict[str, RemoteUsage]:
        """Return what settled attempts used, by attempt."""
        with self._lock:
            return dict(self._settled)

    def proven(self) -> set[str]:
        """Return the endpoints of which a worker has begun to train."""
        return {line.endpoint for line in self._all() if isinstance(line, Proven)}

    def data_fraction(self, attempts: Iterable[str]) -> float:
        """Return what share of own data went with the job of these, whoever posted it."""
        traces = map(self.trace, attempts)
        return min((trace.submitting.data_fraction for trace in traces if trace), default=1.0)

    def held(self) -> dict[str, float]:
        """Return what attempts that are not settled may have cost at most, USD by attempt."""
        held: dict[str, float] = {}
        for line in self._all():
            if isinstance(line, Submitting):
                held |= dict.fromkeys(line.attempts, line.held)
        settled = self.settled()
        return {attempt: cost for attempt, cost in held.items() if attempt not in settled}

    def _all(self) -> list[Line]:
        with self._lock:
            return list(self._lines)


def settled_usage(lines: Iterable[Line]) -> dict[str, RemoteUsage]:
    """Return what settled attempts used, by attempt: each once, the last line of it counts."""
    return {line.attempt: line.usage for line in lines if isinstance(line, Settled)}


def read_ledger(path: Path) -> list[Line]:
    """Return a run's ledger, also while the run goes on; nothing where there is none.

    Raises:
        OutputError: The file cannot be read, or a line is none of the ledger's.
    """
    return _read(path)[0]


def _read(path: Path) -> tuple[list[Line], int]:
    """Return the whole lines, and how many bytes they are."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        raise output_error("read", path, error) from error
    whole = content[: content.rfind(b"\n") + 1]
    lines = enumerate(whole.split(b"\n")[:-1], 1)
    return [_parse(path, number, line) for number, line in lines], len(whole)


def _parse(path: Path, number: int, line: bytes) -> Line:
    try:
        return _LINE.validate_json(line)
    except ValidationError as error:
        raise OutputError(
            f"{path}, line {number}: {error.errors()[0]['msg']}. The file was changed by hand, or "
            "written by another version; without it, jobs that still run are not found again."
        ) from error
