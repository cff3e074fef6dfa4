"""Label smoothing is in the gradient, and not in the loss that is reported."""

from __future__ import annotations

import threading

import pytest
import torch
from torch.nn import functional

from hpo_torch.training.lightning_module import Classifier
from hpo_torch.training.train_trial import train_trial


def first_losses(make_job, smoothing, monkeypatch):
    """Train an epoch; return the first step's logits, labels and loss, and the events."""
    seen, events = [], []
    step = Classifier.training_step

    def spy(module, batch, batch_idx):
        loss = step(module, batch, batch_idx)
        if not seen:
            seen.append((batch[1].clone(), loss.detach().clone()))
        return loss

    logits = []
    share = Classifier._share_of_loss

    def keep(module, part, batch):
        handle = module.network.register_forward_hook(lambda *call: logits.append(call[2].detach()))
        try:
            return share(module, part, batch)
        finally:
            handle.remove()

    with monkeypatch.context() as patch:
        patch.setattr(Classifier, "training_step", spy)
        patch.setattr(Classifier, "_share_of_loss", keep)
        job = make_job(epochs=1, label_smoothing=smoothing)
        train_trial(job, events.append, threading.Event(), worker="here")
    assert events[-1].outcome == "completed", events[-1].traceback
    return logits, *seen[0], [e.metrics for e in events if e.kind == "epoch_finished"]


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_first_step_has_the_smoothed_loss_of_torch(make_job, monkeypatch, smoothing):
    logits, labels, loss, _ = first_losses(make_job, smoothing, monkeypatch)
    expected = functional.cross_entropy(logits[0], labels, label_smoothing=smoothing)
    torch.testing.assert_close(loss, expected)


def test_reported_training_loss_is_the_plain_one(make_job, monkeypatch):
    # Nearly all of the target is spread: the smoothed loss stays near log(10), the plain one of a
    # network that learns falls below it.
    logits, _, smoothed, metrics = first_losses(make_job, 0.3, monkeypatch)
    assert len(logits) > 1
    certain = max(float(each.softmax(dim=1).max()) for each in logits)
    assert certain > 0.5
    assert metrics[0].train_loss < float(smoothed)
