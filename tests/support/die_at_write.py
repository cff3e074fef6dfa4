"""hpo-torch, killed just before it changes a file of a folder for the Nth time.

    python die_at_write.py FOLDER N ARGUMENTS_OF_HPO_TORCH...

Opening for writing, renaming, removing, truncating and making folders count, each as one change.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

CHANGES = {"open", "os.rename", "os.remove", "os.truncate", "os.mkdir"}
WRITING = os.O_WRONLY | os.O_RDWR


class DieAtWrite:
    """An audit hook (PEP 578) that counts changes below a folder, and ends the process by SIGKILL.

    Args:
        folder: Absolute.
        number: Which change is not lived to see, from 1.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self._folder, self._left = str(folder), number

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        """Count an event, if it is a change."""
        if event not in CHANGES or not self._is_inside(arguments[0]):
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & WRITING):
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def _is_inside(self, path: object) -> bool:
        return isinstance(path, str | os.PathLike) and str(path).startswith(self._folder)


# Worker processes import this file too.
if __name__ == "__main__":
    sys.addaudithook(DieAtWrite(Path(sys.argv[1]), int(sys.argv[2])))
    del sys.argv[1:3]
    from hpo_torch.cli.app import main

    main()
