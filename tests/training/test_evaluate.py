from __future__ import annotations

import torch
from torch import nn

from hpo_torch.training.evaluate import confusion_and_loss


def test_confusion_counts_true_rows_and_predicted_columns():
    # The network is the identity: logits are the inputs.
    logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]])
    labels = torch.tensor([0, 1, 2, 2])
    batches = [(logits[:3], labels[:3]), (logits[3:], labels[3:])]
    confusion, loss = confusion_and_loss(nn.Identity(), batches, 3)
    assert confusion.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
    expected = nn.functional.cross_entropy(logits, labels).item()
    assert abs(loss - expected) < 1e-6
