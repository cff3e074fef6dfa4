from __future__ import annotations

import math
import re
import threading
from pathlib import Path

import pytest
import torch
from torch import nn

from hpo_torch.config.schema import DataSettings
from hpo_torch.data.load import load_prepared
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.training.evaluate import confusion_and_loss
from hpo_torch.training.lightning_module import Classifier
from hpo_torch.training.train_trial import train_trial


def of_kind(events, kind):
    return [event for event in events if event.kind == kind]


def checkpoint(job_events_dir):
    return Classifier.load_from_checkpoint(Path(job_events_dir) / "model.ckpt", map_location="cpu")


def test_events_come_in_order_and_end_with_one_last_word(train):
    events = train(epochs=3)
    assert [event.kind for event in events] == [
        "trial_started",
        "epoch_finished",
        "epoch_finished",
        "epoch_finished",
        "training_finished",
    ]
    assert [event.metrics.epoch for event in of_kind(events, "epoch_finished")] == [1, 2, 3]
    assert events[-1].outcome == "completed"
    assert {event.attempt for event in events} == {"a"}


def test_a_few_epochs_learn_the_digits(train):
    finished = train(epochs=5)[-1]
    assert finished.measurements.val_accuracy > 0.85
    assert 0.5 < finished.measurements.overall_health <= 1.0


def test_same_seed_repeats_bit_for_bit_and_another_differs(train):
    def losses(**options):
        return [e.metrics.train_loss for e in of_kind(train(**options), "epoch_finished")]

    first = losses(dropout=0.3)
    assert losses(dropout=0.3) == first
    assert losses(dropout=0.3, seed=2) != first


def test_health_does_not_change_training(train):
    """Probe sizes and sampling steps differ; what is trained must not."""

    def losses(health):
        events = train(epochs=3, health=health)
        return [
            (e.metrics.train_loss, e.metrics.val_loss) for e in of_kind(events, "epoch_finished")
        ]

    few = {"probe_size": 16, "gradient_probe_size": 8, "every_k_steps": 50}
    many = {"probe_size": 512, "gradient_probe_size": 128, "every_k_steps": 1}
    assert losses(few) == losses(many)


def test_saved_weights_are_those_of_the_kept_epoch(train, tmp_path):
    # A learning rate this high makes the best epoch come before the last.
    events = train(epochs=8, learning_rate=0.02, seed=3)
    finished = events[-1]
    assert finished.kept_epoch < 8
    model = checkpoint(tmp_path / "trial")
    loader = installed_registry().datasets.load("digits")
    source = load_prepared(loader, DataSettings(), 0, torch.device("cpu"))
    values = model.hparams["hyperparameters"]
    prepared = source.for_trial(values)
    batches = prepared.data_module(values, seed=0).val_dataloader()
    confusion, loss = confusion_and_loss(model.network, batches, 10)
    accuracy = confusion.diagonal().sum().item() / confusion.sum().item()
    kept = of_kind(events, "epoch_finished")[finished.kept_epoch - 1].metrics
    assert accuracy == pytest.approx(kept.val_accuracy)
    assert loss == pytest.approx(kept.val_loss, rel=1e-4)
    assert finished.measurements.val_accuracy == kept.val_accuracy


def test_objective_accuracy_keeps_the_last_epoch(train):
    finished = train(epochs=4, objective="accuracy")[-1]
    assert finished.kept_epoch == 4
    assert finished.measurements.val_accuracy == finished.measurements.last_val_accuracy


def test_training_stops_early_after_patience_epochs_without_improvement(train):
    # A learning rate of 1e-6 moves no prediction: the first epoch stays the best.
    events = train(epochs=20, learning_rate=1e-6, optimizer="sgd", training={"patience": 2})
    accuracies = [e.metrics.val_accuracy for e in of_kind(events, "epoch_finished")]
    best = accuracies.index(max(accuracies))
    assert len(accuracies) == best + 1 + 2
    assert events[-1].outcome == "completed"


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_falling_learning_rate_is_given_its_course(train, schedule):
    slow = {"learning_rate": 1e-6, "optimizer": "sgd"}
    events = train(epochs=5, schedule=schedule, training={"patience": 1}, **slow)
    assert len(of_kind(events, "epoch_finished")) == 5


def test_stop_signal_ends_the_trial_at_its_next_step(make_job):
    stop, events = threading.Event(), []

    def emit(event):
        events.append(event)
        if event.kind == "epoch_finished":
            stop.set()

    train_trial(make_job(epochs=20), emit, stop, worker="w")
    assert len(of_kind(events, "epoch_finished")) == 1
    assert events[-1].outcome == "stopped"


def test_diverged_trial_says_so_and_emits_no_infinite_epoch(train):
    events = train(
        epochs=5, optimizer="sgd", learning_rate=10.0, batch_norm=False, initializer="he_normal",
        hidden_layers=4, hidden_decrease=0.75, dropout=0.0, seed=0,
    )  # fmt: skip
    finished = events[-1]
    assert (finished.outcome, finished.failure_kind) == ("failed", "diverged")
    assert "not finite in epoch" in finished.message
    assert all(
        math.isfinite(event.metrics.train_loss) for event in of_kind(events, "epoch_finished")
    )
    assert of_kind(events, "health_alert")


def test_diverged_trial_keeps_what_was_measured_before(train, monkeypatch):
    step = Classifier.validation_step

    def overflow(module, batch, batch_idx):
        if module.current_epoch == 2:
            batch = (batch[0] * torch.nan, batch[1])
        step(module, batch, batch_idx)

    monkeypatch.setattr(Classifier, "validation_step", overflow)
    finished = train(epochs=5, learning_rate=0.002)[-1]
    assert (finished.outcome, finished.failure_kind) == ("failed", "diverged")
    assert finished.measurements.val_accuracy > 0.2
    assert re.fullmatch(
        r"the loss was not finite in epoch 3 \(training \d\.\d+; validation nan\) "
        r"at learning rate 0\.002",
        finished.message,
    )


def test_infinite_gradient_diverges(train, monkeypatch):
    """18 steps an epoch; after the 20th, all weights are NaN, so the loss of the 21st is."""

    def spoil(module, optimizer):
        if module.global_step == 19:
            module.network.output.weight.grad.fill_(torch.inf)

    monkeypatch.setattr(Classifier, "on_before_optimizer_step", spoil)
    finished = train(epochs=5)[-1]
    assert (finished.outcome, finished.failure_kind) == ("failed", "diverged")
    assert "in epoch 2 (training nan, first at step 21; validation nan)" in finished.message


def test_loss_that_overflows_diverges(train, monkeypatch):
    forward = Classifier._share_of_loss
    monkeypatch.setattr(Classifier, "_share_of_loss", lambda *args: forward(*args) * 1e39)
    finished = train(epochs=5)[-1]
    assert (finished.outcome, finished.failure_kind) == ("failed", "diverged")
    assert "in epoch 1" in finished.message


def test_error_of_a_trial_becomes_its_last_word(make_job):
    events = []
    job = make_job().model_copy(update={"family": "transformer"})
    train_trial(job, events.append, threading.Event(), worker="w")
    finished = events[-1]
    assert (finished.outcome, finished.failure_kind) == ("failed", "user_code")
    assert "transformer" in finished.message
    assert "Traceback" in finished.traceback


def test_batch_size_and_epochs_reach_the_loop(train):
    small, large = train(batch_size=32, epochs=1), train(batch_size=128, epochs=3)
    assert (len(of_kind(small, "epoch_finished")), len(of_kind(large, "epoch_finished"))) == (1, 3)
    first = [of_kind(events, "epoch_finished")[0].metrics for events in (small, large)]
    assert first[0].train_loss != first[1].train_loss
    assert first[0].train_loss < first[1].train_loss  # four times the steps


def test_gradient_clipping_reaches_the_optimiser(train, monkeypatch):
    norms = []
    step = torch.optim.AdamW.step

    def spy(self, *args, **kwargs):
        result = step(self, *args, **kwargs)
        total = torch.nn.utils.get_total_norm(
            [p.grad for group in self.param_groups for p in group["params"]]
        )
        norms.append(total.item())
        return result

    monkeypatch.setattr(torch.optim.AdamW, "step", spy)
    train(epochs=1, clip_gradients=False)
    free = max(norms)
    norms.clear()
    train(epochs=1, clip_gradients=True, gradient_clip_norm=0.5)
    assert max(norms) <= 0.5 + 1e-4 < free


def test_forced_activation_is_in_the_saved_model(train, tmp_path):
    train(epochs=1, activation="swish", hidden_activation="swish")
    network = checkpoint(tmp_path / "trial").network
    activations = {
        type(module)
        for module in network.modules()
        if type(module).__module__ == "torch.nn.modules.activation"
    }
    assert activations == {nn.SiLU}


def test_mixed_precision_trains_and_is_reported(train):
    events = train(epochs=3, training={"precision": "bf16-mixed"})
    assert events[0].precision == "bf16-mixed"
    assert events[-1].measurements.val_accuracy > 0.5
