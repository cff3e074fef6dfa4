"""Waking whoever waits for a change, inside one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


class Pulse:
    """Something changed: everyone who waits looks again."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake all."""
        self._event.set()
        self._event = asyncio.Event()

    async def first(self, look: Callable[[], _T | None], seconds: float) -> _T | None:
        """Return the first thing that `look` finds; None if it finds none for so many seconds."""
        deadline = time.monotonic() + seconds
        while (found := look()) is None and (left := deadline - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._event.wait(), left)
        return found
