from __future__ import annotations

import torch
from torch import nn

from hpo_torch.testing.fake_training import fake_metrics
from hpo_torch.training.kept_weights import KeptWeights
from hpo_torch.training.reporter import EarlyStopping


def metrics(epoch, accuracy, loss):
    return fake_metrics(epoch).model_copy(update={"val_accuracy": accuracy, "val_loss": loss})


def kept_epoch(kept, *epochs):
    """Offer epochs (accuracy, loss) whose weights are their number; return whose were kept."""
    network = nn.Linear(1, 1, bias=False)
    for number, (accuracy, loss) in enumerate(epochs, 1):
        nn.init.constant_(network.weight, number)
        kept.offer(network, metrics(number, accuracy, loss))
    kept.restore(network)
    assert kept.index == kept.metrics.epoch - 1
    assert network.weight.item() == kept.metrics.epoch
    return kept.metrics.epoch


def test_best_by_accuracy_is_kept_and_restored():
    kept = KeptWeights("best", "val_accuracy")
    assert kept_epoch(kept, (0.5, 1.0), (0.9, 0.8), (0.7, 0.1)) == 2


def test_of_equal_accuracies_the_lower_loss_is_kept():
    kept = KeptWeights("best", "val_accuracy")
    assert kept_epoch(kept, (0.9, 0.5), (0.9, 0.4), (0.9, 0.6)) == 2


def test_best_by_loss_ignores_accuracy():
    kept = KeptWeights("best", "val_loss")
    assert kept_epoch(kept, (0.9, 0.5), (0.8, 0.4), (0.95, 0.6)) == 2


def test_last_keeps_the_last():
    kept = KeptWeights("last", "val_accuracy")
    assert kept_epoch(kept, (0.9, 0.5), (0.8, 0.6)) == 2


def test_kept_weights_do_not_follow_training():
    network = nn.Linear(2, 2)
    kept = KeptWeights("best", "val_accuracy")
    kept.offer(network, metrics(1, 0.9, 0.1))
    before = network.weight.detach().clone()
    with torch.no_grad():
        network.weight += 1.0
    kept.restore(network)
    assert torch.equal(network.weight, before)


def test_early_stopping_waits_for_patience_epochs():
    stopping = EarlyStopping("val_accuracy", patience=2)
    accuracies = [0.5, 0.6, 0.6, 0.55]
    stops = [stopping.should_stop(metrics(n, a, 1.0)) for n, a in enumerate(accuracies, 1)]
    assert stops == [False, False, False, True]


def test_early_stopping_by_loss():
    stopping = EarlyStopping("val_loss", patience=1)
    losses = [1.0, 0.5, 0.6]
    stops = [stopping.should_stop(metrics(n, 0.5, x)) for n, x in enumerate(losses, 1)]
    assert stops == [False, False, True]


def test_kept_weights_go_on_from_their_state():
    network, kept = nn.Linear(1, 1), KeptWeights("best", "val_loss")
    kept.offer(network, metrics(1, 0.5, 0.3))
    resumed = KeptWeights("best", "val_loss")
    resumed.load_state_dict(kept.state_dict())
    assert (resumed.metrics, resumed.index) == (kept.metrics, 0)
    other = nn.Linear(1, 1)
    resumed.offer(other, metrics(2, 0.6, 0.4))  # worse: not kept
    resumed.restore(other)
    assert torch.equal(other.weight, network.weight)


def test_early_stopping_goes_on_from_its_state():
    stopping = EarlyStopping("val_loss", patience=2)
    assert [stopping.should_stop(metrics(n, 0.5, x)) for n, x in ((1, 0.3), (2, 0.4))] == [
        False
    ] * 2
    resumed = EarlyStopping("val_loss", patience=2)
    resumed.load_state_dict(stopping.state_dict())
    assert not resumed.stopped
    assert resumed.should_stop(metrics(3, 0.5, 0.35))
    assert resumed.stopped
