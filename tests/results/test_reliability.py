from __future__ import annotations

import numpy as np
import pytest
import torch

from hpo_torch.results.reliability import BINS, FEW_EXAMPLES, Reliability
from hpo_torch_health import calibration


def test_error_of_a_table_by_hand():
    # Bin 15: 0.95 and 0.97, one of them right: |1 - 1.92| = 0.92.
    # Bin 9 (0.533, 0.6]: 0.6, right: |1 - 0.6| = 0.4. Bin 4 (0.2, 0.267]: 0.25, wrong: 0.25.
    diagram = Reliability.of(
        np.array([0.95, 0.6, 0.97, 0.25]), np.array([True, True, False, False])
    )
    filled = np.flatnonzero(diagram.counts)
    assert filled.tolist() == [3, 8, 14]
    assert diagram.counts[filled].tolist() == [1, 1, 2]
    assert diagram.right[filled].tolist() == [0, 1, 1]
    assert diagram.confidences[filled] == pytest.approx([0.25, 0.6, 1.92])
    assert diagram.expected_calibration_error == pytest.approx((0.92 + 0.4 + 0.25) / 4)


def test_it_is_the_validation_metrics_diagram():
    rng = np.random.default_rng(0)
    confidences = np.concatenate([rng.random(500), np.arange(1, 16) / 15]).astype(np.float32)
    correct = rng.random(515) < confidences
    ours = Reliability.of(confidences, correct)
    theirs = calibration.reliability(torch.from_numpy(confidences), torch.from_numpy(correct))
    assert (calibration.BINS, calibration.MIN_EXAMPLES) == (BINS, FEW_EXAMPLES)
    np.testing.assert_allclose([ours.counts, ours.confidences, ours.right], theirs.numpy())
    assert ours.expected_calibration_error == pytest.approx(
        calibration.expected_calibration_error(theirs)
    )
