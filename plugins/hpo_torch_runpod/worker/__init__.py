"""What runs on RunPod: takes jobs, trains their trials, sends back what happens."""

from __future__ import annotations
