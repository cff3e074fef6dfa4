"""A worker whose handler yields numbers, slowly, and does as its input says."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import runpod

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def steps(job: dict[str, Any]) -> AsyncIterator[Any]:
    wish = job["input"]
    for step in range(wish.get("steps", 0)):
        yield {"step": step, "pid": os.getpid()}
        await asyncio.sleep(wish.get("seconds", 0.0))
    if "bytes" in wish:
        yield "x" * wish["bytes"]
    if "fail" in wish:
        raise ValueError(wish["fail"])


runpod.serverless.start(
    {
        "handler": steps,
        "return_aggregate_stream": True,
        "concurrency_modifier": lambda _now: int(os.environ.get("CONCURRENCY", "1")),
    }
)
