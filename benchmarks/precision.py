"""Milliseconds of a training step in float32 and in bfloat16 (autocast), on this CPU.

Run: nox -s bench -- benchmarks/precision.py
Expect: bfloat16 at 0.3 to 0.6 of the float32 time on 28x28 images where the CPU has AMX tiles
(Xeon Sapphire Rapids and later), 0.8 at 8x8. Other CPUs were not measured.
The two precisions take turns, so that a busy machine slows both alike.
"""

from __future__ import annotations

import json
import platform
import statistics
import time

import torch
from torch.nn import functional

from hpo_torch.models.build import build_network
from hpo_torch.search.families import search_space
from hpo_torch.training.devices import Placement
from hpo_torch.training.optimizers import build_optimizer

ROUNDS = 15
BATCH = 128
NETWORKS = [
    (8, {"conv_layers": 2, "filters": 32}),
    (28, {"conv_layers": 2, "filters": 32}),
    (28, {"conv_layers": 3, "filters": 64}),
    (28, {"conv_layers": 2, "filters": 256}),
    (28, {"conv_layers": 3, "filters": 128, "kernel_size": 5}),
]


class Step:
    """One network and optimiser, stepping on one batch in one precision."""

    def __init__(self, side: int, fixed: dict[str, object], precision: str) -> None:
        torch.manual_seed(0)
        space = search_space("cnn", (1, side, side), 48_000, 5, 20)
        values = space.defaults(space.check_fixed(fixed))
        self.placement = Placement(torch.device("cpu"), precision)
        self.network = build_network("cnn", values, (1, side, side), 10)
        self.network.to(memory_format=torch.channels_last)
        self.optimizer = build_optimizer(values, self.network.named_parameters())
        inputs = torch.randn(BATCH, 1, side, side)
        self.inputs = inputs.to(memory_format=torch.channels_last)
        self.labels = torch.randint(0, 10, (BATCH,))
        self.times: list[float] = []

    def run(self) -> None:
        """Take one step and its time."""
        started = time.perf_counter()
        with self.placement.autocast():
            loss = functional.cross_entropy(self.network(self.inputs), self.labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.times.append(time.perf_counter() - started)

    def summary(self) -> dict[str, float]:
        """Return median and quartiles, in milliseconds."""
        times = sorted(1e3 * t for t in self.times[3:])  # the first steps warm caches up
        quarters = statistics.quantiles(times, n=4)
        return {"median": quarters[1], "lower_quartile": quarters[0], "upper_quartile": quarters[2]}


def main() -> None:
    """Measure each network in both precisions, taking turns."""
    rows = []
    for side, fixed in NETWORKS:
        full, half = Step(side, fixed, "32-true"), Step(side, fixed, "bf16-mixed")
        for _ in range(ROUNDS):
            full.run()
            half.run()
        slow, fast = full.summary(), half.summary()
        rows.append({"side": side, **fixed, "float32_ms": slow, "bf16_ms": fast})
        ratio = fast["median"] / slow["median"]
        print(
            f"{side}x{side} {fixed}: float32 {slow['median']:.2f} ms, "
            f"bf16 {fast['median']:.2f} ms, ratio {ratio:.2f}"
        )
    machine = {
        "threads": torch.get_num_threads(),
        "amx": bool(torch.cpu.get_capabilities().get("amx_bf16")),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "steps": ROUNDS - 3,
        "batch": BATCH,
    }
    print(json.dumps({"machine": machine, "rows": rows}))


if __name__ == "__main__":
    main()
