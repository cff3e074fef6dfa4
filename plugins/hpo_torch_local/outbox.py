"""What a worker says, sent by a thread of its own: a late reader never slows training."""

from __future__ import annotations

import os
import queue
import threading
from typing import TYPE_CHECKING

from hpo_torch_local.messages import REPORTS

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from hpo_torch_local.messages import Report

# How long `emit` waits for a report to be in the pipe. A worker that dies in its next step has
# then said it; only the first report that finds the pipe full costs this time.
PROMPT_SECONDS = 0.1


class Outbox:
    """Sends reports in order; what the pipe does not take yet waits in this process's memory.

    That memory is bounded by the events of one trial, a few kilobytes an epoch, because the next
    job comes only after the backend has read the last one's `TrainingFinished`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: queue.SimpleQueue[tuple[bytes, threading.Event] | None]
        self._waiting = queue.SimpleQueue()
        self._emitting = threading.Lock()
        self._newest_sent = threading.Event()
        self._newest_sent.set()
        self._silent = False
        self._sender = threading.Thread(target=self._send, name="reports", daemon=True)
        self._sender.start()

    def emit(self, report: Report) -> None:
        """Send a report, or leave it to be sent as soon as the backend reads.

        Raises:
            pydantic.ValidationError: The backend could not read it.
        """
        line = report.model_dump_json().encode()
        REPORTS.validate_json(line)  # an unreadable report must fail its trial, not the study
        with self._emitting:
            nothing_waits = self._newest_sent.is_set()
            self._newest_sent = threading.Event()
            self._waiting.put((line, self._newest_sent))
            if nothing_waits:
                self._newest_sent.wait(PROMPT_SECONDS)

    def silence(self) -> None:
        """Send nothing more: nobody reads it."""
        self._silent = True

    def flush(self) -> None:
        """Return once everything is sent, or nobody reads any more."""
        if not self._silent:
            self._waiting.put(None)
            self._sender.join()

    def _send(self) -> None:
        while (each := self._waiting.get()) is not None:
            line, sent = each
            if not self._silent:
                try:
                    self._connection.send_bytes(line)
                except OSError:
                    os._exit(1)  # the backend's process is gone: nobody waits for a result
            sent.set()
