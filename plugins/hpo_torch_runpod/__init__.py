"""The execution backend on RunPod's serverless GPUs, and the worker that runs there."""

from __future__ import annotations
