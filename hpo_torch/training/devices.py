"""Which device and number format a trial trains with."""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import torch

from hpo_torch.errors import DeviceUnavailableError, InvalidValueError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_NAME = re.compile(r"auto|cpu|mps|cuda(:(?P<index>[0-9]+))?")


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how a network computes.

    Attributes:
        device: One device.
        precision: A Lightning precision: "32-true", "bf16-mixed" or "16-mixed".
    """

    device: torch.device
    precision: str

    @property
    def accelerator(self) -> str:
        """Lightning's name of the device's kind."""
        return self.device.type

    @property
    def devices(self) -> int | list[int]:
        """Lightning's `devices`: a count on the CPU, indices elsewhere."""
        return [self.device.index or 0] if self.device.type == "cuda" else 1

    @property
    def lightning_precision(self) -> Literal["32-true", "bf16-mixed", "16-mixed"]:
        """The precision as Lightning's type knows it."""
        return cast("Literal['32-true', 'bf16-mixed', '16-mixed']", self.precision)

    def autocast(self) -> AbstractContextManager[object]:
        """Compute as training does, outside of a trainer."""
        dtype = torch.float16 if self.precision == "16-mixed" else torch.bfloat16
        return torch.autocast(self.device.type, dtype, enabled=self.precision != "32-true")

    def describe(self) -> str:
        """Name the device for people: "cpu (x86_64)", "cuda:0 (NVIDIA H100)"."""
        if self.device.type == "cuda":
            return f"{self.device} ({torch.cuda.get_device_name(self.device)})"
        return f"{self.device} ({platform.machine()})"


def resolve_device(name: str) -> torch.device:
    """Turn "auto", "cpu", "cuda", "cuda:N" or "mps" into a device of this machine.

    Raises:
        InvalidValueError: The name is none of these.
        DeviceUnavailableError: This machine does not have it.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise InvalidValueError("device", "auto, cpu, cuda, cuda:N or mps", name)
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", 0)
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if name == "mps" and not torch.backends.mps.is_available():
        raise DeviceUnavailableError(_absent(name, "no Apple GPU"))
    if not name.startswith("cuda"):
        return torch.device(name)
    if int(found["index"] or 0) >= torch.cuda.device_count():
        raise DeviceUnavailableError(_absent(name, f"{torch.cuda.device_count()} CUDA devices"))
    return torch.device("cuda", int(found["index"])) if found["index"] else torch.device("cuda")


def _absent(name: str, here: str) -> str:
    return f"device '{name}' was asked for, but this machine has {here}. Use --device cpu, or auto."


def resolve_precision(name: str, device: torch.device) -> str:
    """Turn "auto" into bf16-mixed where the device has fast bfloat16 arithmetic, else 32-true.

    On a CPU that means AMX tiles: there a step of a CNN on 28x28 images took 0.3 to 0.6 of the
    float32 time (benchmarks/precision.py). CPUs without them were not measured.
    """
    if name != "auto":
        return name
    if device.type == "cuda":
        fast = torch.cuda.get_device_capability(device) >= (8, 0)
    elif device.type == "cpu":
        fast = bool(torch.cpu.get_capabilities().get("amx_bf16", False))
    else:
        fast = False
    return "bf16-mixed" if fast else "32-true"


def resolve_placement(device_name: str, precision: str) -> Placement:
    """Decide where and how a trial computes on this machine."""
    device = resolve_device(device_name)
    return Placement(device, resolve_precision(precision, device))
