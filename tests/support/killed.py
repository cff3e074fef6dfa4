"""A process that is killed in the middle of what it does, without a process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


class Killed(BaseException):
    """What kill -9 is to a process: nothing catches it."""


def kill_at(
    patch: pytest.MonkeyPatch, owner: Any, method: str, moment: str, occurrence: int
) -> Callable[[], int]:
    """Make a method kill its process "before" or "after" its n-th call; return their counter."""
    real = getattr(owner, method)
    calls = 0

    def fatal(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == occurrence and moment == "before":
            raise Killed
        result = real(*args, **kwargs)
        if calls == occurrence and moment == "after":
            raise Killed
        return result

    patch.setattr(owner, method, fatal)
    return lambda: calls
