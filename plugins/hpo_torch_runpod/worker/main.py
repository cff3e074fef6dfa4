"""The worker's program: `python -u -m hpo_torch_runpod.worker.main`, the image's command.

torch, Lightning and the training function are imported before the first job is taken: RunPod's
FlashBoot keeps what a stopped worker has in memory.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys

import runpod

from hpo_torch.plugin_api import TRAIN_TARGET, HpoTorchError
from hpo_torch_runpod.worker.claims import Claims
from hpo_torch_runpod.worker.folders import worker_folders
from hpo_torch_runpod.worker.handler import Handler
from hpo_torch_runpod.worker.job_run import Workplace

importlib.import_module(TRAIN_TARGET.partition(":")[0])


def main() -> None:
    """Take jobs until the platform ends this process."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    if int(os.environ.get("RUNPOD_GPU_COUNT") or 0) > 0:
        runpod.serverless.register_fitness_check(check_cuda)
    with worker_folders() as folders:
        claims = Claims(folders.claims)
        claims.remove_old()
        folders.remove_old()
        name = os.environ.get("RUNPOD_POD_ID") or "runpod"
        handler = Handler(Workplace(name, folders, claims))
        # The aggregate is what a client reads that was not there while the chunks were streamed.
        runpod.serverless.start({"handler": handler.handle, "return_aggregate_stream": True})


def check_cuda() -> None:
    """Compute something on the card; the SDK ends a worker for which this raises.

    A rented card that torch cannot use would train on the CPU, at the card's price.
    """
    import torch

    if not torch.cuda.is_available():
        raise RuntimeError(
            "torch finds no CUDA device: the host's driver may be too old for this image; restrict "
            "the endpoint's CUDA versions"
        )
    ones = torch.ones(64, 64, device="cuda")
    if (ones @ ones).sum().item() != 64**3:
        raise RuntimeError("the CUDA device computes wrong results")


if __name__ == "__main__":
    try:
        main()
    except HpoTorchError as error:
        sys.exit(f"hpo-torch worker: {error}")
