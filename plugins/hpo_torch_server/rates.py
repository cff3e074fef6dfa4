"""The gate that counts: so many requests of one address in so much time."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from hpo_torch_server.gates import Gate
from hpo_torch_server.identity import address_of
from hpo_torch_server.problems import Problem

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.types import Receive


class RateGate(Gate):
    """Refuses requests above `ServerSettings.rate_limit`, before anything else is done for them.

    It counts by address: by key, whoever guesses keys would be counted anew with each guess.
    """

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self._limit = parse(self.settings.rate_limit)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def admit(self, connection: HTTPConnection, receive: Receive) -> Receive:
        """Raises Problem: 429, with Retry-After in seconds."""
        address = address_of(connection)
        if self._limiter.hit(self._limit, address):
            return receive
        free_again = self._limiter.get_window_stats(self._limit, address).reset_time
        seconds = max(1, math.ceil(free_again - time.time()))
        detail = f"expected at most {self.settings.rate_limit}; try again in {seconds} s"
        raise Problem(429, "", detail, "rate", headers={"Retry-After": str(seconds)})
