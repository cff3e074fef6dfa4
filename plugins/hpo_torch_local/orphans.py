"""No worker outlives the process that started it."""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import signal
import sys

_LOGGER = logging.getLogger(__name__)
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends (Linux).

    Everywhere else only the thread that reads commands ends an orphan, when it finds the pipe
    closed. It needs the interpreter's lock for that, which hanging C code may hold for ever.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        reason = os.strerror(ctypes.get_errno())
        _LOGGER.warning("prctl(PR_SET_PDEATHSIG): %s; an orphan that hangs may stay", reason)
    parent = multiprocessing.parent_process()
    if parent is not None and os.getppid() != parent.pid:
        os._exit(1)  # it ended before the kernel knew
