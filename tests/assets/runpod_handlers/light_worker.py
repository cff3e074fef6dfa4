"""hpo_torch_runpod.worker.main for fake trainings: without torch, and with little patience.

What it leaves out costs 20 s of processor time a process, and says nothing about backends.
"""

from __future__ import annotations

import os

import runpod

from hpo_torch_runpod.worker.claims import Claims
from hpo_torch_runpod.worker.folders import worker_folders
from hpo_torch_runpod.worker.handler import Handler
from hpo_torch_runpod.worker.job_run import Workplace

if __name__ == "__main__":
    with worker_folders() as folders:
        place = Workplace(os.environ["RUNPOD_POD_ID"], folders, Claims(folders.claims))
        handler = Handler(place, grace=1.0)
        runpod.serverless.start({"handler": handler.handle, "return_aggregate_stream": True})
