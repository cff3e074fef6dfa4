"""Kinds of GPU: pools, memory, prices, and how many there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Availability = Literal["NONE", "LOW", "MEDIUM", "HIGH"]


@dataclass(slots=True)
class Gpu:
    """One kind of GPU; prices and availability may be changed while the stand-in runs.

    Attributes:
        id: As `torch.cuda.get_device_name()` and the catalogue call it.
        pool: The serverless pool it is in.
        memory: GB.
        per_second: USD per second of a serverless flex worker.
        availability: How many can be had.
    """

    id: str
    pool: str
    memory: int
    per_second: float
    availability: Availability = "HIGH"

    def public(self) -> dict[str, Any]:
        """Return its record in GET /v2/catalog/gpus (openapi.json of REST v2, `GpuType`).

        The prices of pods are made up: half as much.
        """
        per_hour = round(3600 * self.per_second, 6)
        return {
            "id": self.id,
            "name": self.id.removeprefix("NVIDIA ").removeprefix("GeForce "),
            "pool": self.pool,
            "manufacturer": "NVIDIA",
            "memory": self.memory,
            "secure": True,
            "community": False,
            "price": {"secure": per_hour / 2, "community": 0.0, "serverless": per_hour},
            "maxCount": {"secure": 8, "community": 0},
        }


def documented_gpus() -> dict[str, Gpu]:
    """Return the pools and flex prices of docs.runpod.io, Serverless "Pricing", of 2026-06-08.

    Which cards are in which pool differs between RunPod's own pages; this is one reading.
    """
    gpus = [
        Gpu("NVIDIA RTX A4000", "AMPERE_16", 16, 0.00016),
        Gpu("NVIDIA RTX A5000", "AMPERE_24", 24, 0.00019),
        Gpu("NVIDIA GeForce RTX 3090", "AMPERE_24", 24, 0.00019),
        Gpu("NVIDIA GeForce RTX 4090", "ADA_24", 24, 0.00031),
        Gpu("NVIDIA A40", "AMPERE_48", 48, 0.00034),
        Gpu("NVIDIA RTX A6000", "AMPERE_48", 48, 0.00034),
        Gpu("NVIDIA L40S", "ADA_48_PRO", 48, 0.00053),
        Gpu("NVIDIA A100 80GB PCIe", "AMPERE_80", 80, 0.00076),
        Gpu("NVIDIA H100 80GB HBM3", "ADA_80_PRO", 80, 0.00116),
        Gpu("NVIDIA RTX PRO 6000 Blackwell Server Edition", "BLACKWELL_96", 96, 0.00111),
        Gpu("NVIDIA H200", "HOPPER_141", 141, 0.00155),
        Gpu("NVIDIA B200", "BLACKWELL_180", 180, 0.00240),
    ]
    return {gpu.id: gpu for gpu in gpus}
