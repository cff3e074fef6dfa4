"""The room in memory that a trial took, given back."""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress

import torch


def give_room_back(*, device_cache: bool) -> None:
    """Give back what a trial held, so that the next one, or another program, has room.

    Call it when no frame holds anything of the trial any more; of one that failed, when the
    exception is gone, since its traceback holds every frame's tensors. Trainer and module refer to
    each other, so only the collector frees them. glibc keeps what was freed in the middle of its
    heap until it is told to return it: without that, a worker stays as large as its largest network
    was (benchmarks/worker_memory.py).

    Args:
        device_cache: Whether torch's cache of CUDA memory is emptied, too; the next trial then has
            to ask the driver again, which takes time.
    """
    gc.collect()
    if device_cache and torch.cuda.is_available():
        torch.cuda.empty_cache()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # musl has no such function
            ctypes.CDLL(None).malloc_trim(0)
