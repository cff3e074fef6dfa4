"""Check that a data set's `prepare` imports nothing heavy: it runs in the main process."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpo_torch.data.spec import DataRequest

HEAVY_FOR_PREPARE = ("torch", "torchvision", "lightning")

_CHILD = """
import importlib, pickle, sys
target, request, report, heavy = pickle.load(sys.stdin.buffer)
module, _, attribute = target.partition(":")
getattr(importlib.import_module(module), attribute).prepare(request)
with open(report, "wb") as file:
    pickle.dump([name for name in heavy if name in sys.modules], file)
"""


def heavy_modules_of_prepare(
    target: str, request: DataRequest, heavy: Sequence[str] = HEAVY_FOR_PREPARE
) -> list[str]:
    """Prepare a data set in a fresh interpreter and return the heavy modules it imported.

    Args:
        target: The loader, "package.module:attribute".
        request: What it is asked for; `progress` and `warn` are left out.
        heavy: Top-level modules that must not be imported.

    Raises:
        AssertionError: `prepare` failed; the message holds its output.
    """
    plain = replace(request, progress=None, warn=None)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report")
        child = subprocess.run(  # noqa: S603 - our own interpreter and script
            [sys.executable, "-c", _CHILD],
            input=pickle.dumps((target, plain, str(report), tuple(heavy))),
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            check=False,
        )
        if not report.exists():
            raise AssertionError((child.stderr + child.stdout).decode(errors="replace"))
        # Written by the child above.
        imported: list[str] = pickle.loads(report.read_bytes())  # noqa: S301
    return imported
