"""Work done ahead on another thread, its results in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

T = TypeVar("T")
R = TypeVar("R")


def prefetch(make: Callable[[T], R], items: Iterable[T], ahead: int) -> Iterator[R]:
    """Yield `make(item)` of each item in order, up to `ahead` of them made in advance.

    An exception of `make` is raised where its result would have come. A consumer that stops early
    leaves at most one running `make` behind, which is waited for.

    Args:
        make: Called on one other thread; worth it where it waits or releases Python's lock.
        items: What to make results of.
        ahead: How many results may be waiting, at least 1.
    """
    with ThreadPoolExecutor(1, "prefetch") as pool:
        pending: deque[Future[R]] = deque()
        try:
            for item in items:
                pending.append(pool.submit(make, item))
                if len(pending) > ahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
