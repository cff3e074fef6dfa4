"""What this machine trains on, for `--backend auto` to say."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from hpo_torch.plugin_api import HpoTorchError, Readiness
from hpo_torch_local.devices import check_device

if TYPE_CHECKING:
    from hpo_torch.config.schema import ExecutionSettings

_QUERY: Final = ("--query-gpu=name", "--format=csv,noheader")
_PATIENCE_SECONDS: Final = 10.0


def readiness(settings: ExecutionSettings) -> Readiness:
    """Say that trials can run here, and on what; not ready where the device asked for is absent."""
    try:
        cuda_devices = check_device(settings)
    except HpoTorchError as error:
        return Readiness(ready=False, reason=str(error))
    if not cuda_devices:
        return Readiness(ready=True, reason=_without_cuda(settings.device))
    names = ", ".join(dict.fromkeys(cuda_names()))
    what = f"{cuda_devices} CUDA device" + ("s" if cuda_devices > 1 else "")
    return Readiness(ready=True, reason=f"{what} ({names})" if names else what)


def cuda_names() -> list[str]:
    """Return the names of this machine's NVIDIA cards, as the driver's own program tells them.

    torch would tell them too, but hold some of their memory from then on, in a process that trains
    nothing.
    """
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        told = subprocess.run(  # noqa: S603 - the driver's program, without input
            [program, *_QUERY],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in told.stdout.splitlines() if line.strip()]


def _without_cuda(device: str) -> str:
    if device == "mps" or (device == "auto" and sys.platform == "darwin"):
        return "this Mac"
    return "CPU"
