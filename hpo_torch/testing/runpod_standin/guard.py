"""Ends worker processes whose stand-in is gone, and removes its folder; a program of its own.

It reads "+PID" and "-PID" lines: groups of processes that began and ended. The end of its input
means that the stand-in's process is no more, however it ended. A worker may have children of its
own (the SDK pings from one), which the death of their parent would leave alive: hence groups.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys


def main() -> None:
    """Follow the lines, then end what is left."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal's group
    groups: set[int] = set()
    for line in sys.stdin:
        change = groups.add if line.startswith("+") else groups.discard
        change(int(line[1:]))
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    shutil.rmtree(sys.argv[1], ignore_errors=True)


if __name__ == "__main__":
    main()
