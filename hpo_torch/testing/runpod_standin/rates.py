"""How often clients may ask one endpoint for one thing."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from typing import TYPE_CHECKING

from hpo_torch.testing.runpod_standin.queue import Rejected

if TYPE_CHECKING:
    from hpo_torch.testing.runpod_standin.endpoint import Endpoint


class RateGate:
    """Counts requests of the last seconds, by operation."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._times: dict[str, deque[float]] = defaultdict(deque)

    def enter(self, operation: str) -> None:
        """Let a request in.

        Raises:
            Rejected: 429, there were too many.
        """
        limit = self._endpoint.rate_limits.get(operation)
        if limit is None:
            return
        now, times = time.monotonic(), self._times[operation]
        while times and now - times[0] >= limit.seconds:
            times.popleft()
        if len(times) >= limit.requests:
            raise Rejected(429, f"more than {limit.requests} requests in {limit.seconds:g} s")
        times.append(now)
