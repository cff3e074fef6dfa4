"""Ctrl-C, and the signal with which schedulers end a program, counted instead of raised."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
RAISED = 3


class Interrupts:
    """How often the user asked to stop.

    A KeyboardInterrupt may fall between any two statements; the study's loop looks here instead,
    a few times a second, where it can stop without leaving anything half done.

    Attributes:
        count: 1: stop soon; 2: stop now. The third is raised, in case something keeps the loop from
            looking here.
    """

    def __init__(self) -> None:
        self.count = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count signals while the block runs; outside of the main thread nobody sends any."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._count) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _count(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if self.count >= RAISED:
            raise KeyboardInterrupt
