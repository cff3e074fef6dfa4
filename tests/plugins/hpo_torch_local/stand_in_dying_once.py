"""A module whose first import, told by an absent marker file, ends the process."""

from __future__ import annotations

import os
from pathlib import Path

import stand_ins

marker = Path(os.environ["DYING_ONCE_MARKER"])
if not marker.exists():
    marker.touch()
    os._exit(4)
report_process = stand_ins.report_process
