"""How long to wait before something is tried again: longer each time, at random, not for ever."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hpo_torch_server.client.refusals import UnreachableError

FIRST_WAIT_SECONDS: Final = 0.5
LONGEST_WAIT_SECONDS: Final = 15.0


class Backoff:
    """Waits between attempts, each time up to twice as long, until patience is over.

    Args:
        patience: Seconds from the first failure on after which the last one is raised.
        closing: Once set, nothing is waited for any more.
        first_wait: Seconds of the first wait at most.
    """

    def __init__(
        self,
        patience: float,
        closing: threading.Event | None = None,
        first_wait: float = FIRST_WAIT_SECONDS,
    ) -> None:
        self._patience, self._first_wait = patience, first_wait
        self._closing = closing or threading.Event()
        self._failures = 0
        self._since = 0.0

    def reset(self) -> None:
        """Begin anew: something went well."""
        self._failures = 0

    def wait(self, error: UnreachableError) -> None:
        """Wait before the next attempt, as long as the server asked for at least.

        Raises:
            UnreachableError: Patience is over, or nothing is to be waited for any more.
        """
        now = time.monotonic()
        if not self._failures:
            self._since = now
        growing = min(self._first_wait * 2.0**self._failures, LONGEST_WAIT_SECONDS)
        self._failures += 1
        # Half of it at random: clients that lost the same server don't come back at once.
        seconds = max(error.retry_after, growing * random.uniform(0.5, 1.0))  # noqa: S311
        if now + seconds - self._since > self._patience or self._closing.wait(seconds):
            raise error
