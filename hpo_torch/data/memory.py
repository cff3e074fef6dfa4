"""How much memory is free where images could live."""

from __future__ import annotations

import psutil
import torch


def free_memory(device: torch.device) -> int:
    """Return how many bytes a new tensor on `device` could have; of the machine for its CPU."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free
    # Apple's GPUs share the machine's memory.
    return int(psutil.virtual_memory().available)


def memory_limit(device: torch.device, limit_gb: float | None) -> int:
    """Return how many bytes of images may live on `device`.

    Args:
        device: Where batches are used.
        limit_gb: The setting `data.memory_limit_gb`, 10^9 bytes; None means half of what is free.
    """
    return free_memory(device) // 2 if limit_gb is None else int(limit_gb * 1e9)
