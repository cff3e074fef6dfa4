"""A training step of a bidirectional LSTM that never sees padding: packed, or turned in place.

    python benchmarks/lstm_padding.py [THREADS]

Contenders take turns, seven times; the table shows the median time of forward and backward pass
over one batch of 64 texts of 170 to 200 tokens, as bucketed batches are, and the range. "packed" is
`pack_padded_sequence` around a bidirectional `nn.LSTM`; "turned" is `hpo_torch.models.lstm`. What
to expect, and which is used, is in docs/performance.md.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from hpo_torch.models.lstm import LstmLayer, pool_max, turned_positions

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

BATCH, SHORTEST, LONGEST, ROUNDS = 64, 170, 200, 7


def contenders(features: int, units: int) -> dict[str, Callable[[], Tensor]]:
    """Return ways from one padded batch to its pooled states."""
    lengths = torch.randint(SHORTEST, LONGEST + 1, (BATCH,)).sort(descending=True).values
    lengths[0] = LONGEST
    inside = torch.arange(LONGEST) < lengths.unsqueeze(1)
    inputs = torch.randn(BATCH, LONGEST, features)
    packed_lstm = nn.LSTM(features, units, batch_first=True, bidirectional=True)
    layer = LstmLayer(features, units, bidirectional=True)

    def packed() -> Tensor:
        sequence = pack_padded_sequence(inputs, lengths, batch_first=True)
        states, _ = pad_packed_sequence(packed_lstm(sequence)[0], batch_first=True)
        return pool_max(states, inside, units)

    def turned() -> Tensor:
        return pool_max(layer(inputs, turned_positions(inside)), inside, units)

    return {"packed": packed, "turned": turned}


def seconds(forward: Callable[[], Tensor], *, autocast: bool) -> float:
    """Return the time of one forward and backward pass."""
    start = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        pooled = forward()
    pooled.float().sum().backward()
    return time.perf_counter() - start


def main() -> None:
    """Print a table for each of two sizes."""
    torch.manual_seed(0)
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} thread(s), milliseconds")
    for features, units in ((64, 64), (256, 128)):
        cases = {
            (name, precision): (forward, precision == "bfloat16")
            for name, forward in contenders(features, units).items()
            for precision in ("float32", "bfloat16")
        }
        times: dict[tuple[str, str], list[float]] = {case: [] for case in cases}
        for _ in range(ROUNDS + 1):
            for case, (forward, autocast) in cases.items():
                times[case].append(1e3 * seconds(forward, autocast=autocast))
        for (name, precision), each in times.items():
            kept = each[1:]  # the first is a warm-up
            print(
                f"{features:>4} features, {units} units  {name}  {precision:<8}  "
                f"{statistics.median(kept):6.0f}  ({min(kept):.0f} - {max(kept):.0f})"
            )


if __name__ == "__main__":
    main()
