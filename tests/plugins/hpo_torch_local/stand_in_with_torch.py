"""A training function whose module imports torch, as the real one does."""

from __future__ import annotations

import stand_ins
import torch

report_process = stand_ins.report_process
assert torch.get_num_threads() > 0
