"""A batch in parts makes the step of the whole batch."""

from __future__ import annotations

import threading

import pytest
import torch

from hpo_torch.training.lightning_module import Classifier
from hpo_torch.training.train_trial import train_trial

# Normalisation sees parts, and dropout draws in another order: without both, only rounding differs.
PLAIN = {"batch_norm": False, "dropout": 0.0, "epochs": 2}
PLAIN_TEXT = {"text_dropout": 0.0, "recurrent_dropout": 0.0, "dropout": 0.0, "epochs": 2}


def run(job, accumulate):
    """Train; return the events and the weights."""
    events = []
    folder = f"{job.output_dir}-{accumulate}"
    job = job.model_copy(update={"accumulate": accumulate, "output_dir": folder})
    train_trial(job, events.append, threading.Event(), worker="w")
    assert events[-1].outcome == "completed", events[-1].traceback
    weights = torch.load(f"{job.output_dir}/model.ckpt")["state_dict"]
    return [e.metrics for e in events if e.kind == "epoch_finished"], weights


def assert_equal_up_to_rounding(whole, divided):
    for one, other in zip(whole[0], divided[0], strict=True):
        assert other.train_loss == pytest.approx(one.train_loss, rel=1e-4)
        assert other.train_accuracy == pytest.approx(one.train_accuracy, abs=2e-3)
        assert other.val_loss == pytest.approx(one.val_loss, rel=1e-4)
    for name, weight in whole[1].items():
        torch.testing.assert_close(divided[1][name], weight, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("accumulate", [2, 3, 64])
@pytest.mark.parametrize("clip", [False, True], ids=["free", "clipped"])
def test_images_in_parts_train_as_whole_batches(make_job, accumulate, clip):
    """1149 images are 17 batches of 64 and one of 61: parts of unequal size, too."""
    words = {"optimizer": "sgd", "learning_rate": 0.02, "clip_gradients": clip}
    job = make_job(**PLAIN, **words, **({"gradient_clip_norm": 0.5} if clip else {}))
    assert_equal_up_to_rounding(run(job, 1), run(job, accumulate))


def test_texts_in_parts_train_as_whole_batches(make_text_job):
    """400 texts are 12 batches of 32 and one of 16."""
    job = make_text_job(**PLAIN_TEXT, optimizer="sgd", learning_rate=0.1)
    assert_equal_up_to_rounding(run(job, 1), run(job, 3))


def test_parts_are_no_smaller_than_two_and_differ_by_one_at_most(make_job, monkeypatch):
    sizes = []
    share = Classifier._share_of_loss

    def spy(module, part, batch):
        sizes.append((len(batch[1]), len(part[1])))
        return share(module, part, batch)

    monkeypatch.setattr(Classifier, "_share_of_loss", spy)
    run(make_job(epochs=1, batch_size=5), 4)  # with BatchNorm, which refuses single examples
    assert set(sizes) == {(5, 3), (5, 2), (4, 2)}
    sizes.clear()
    run(make_job(epochs=1), 4)
    assert set(sizes) == {(64, 16), (61, 15), (61, 16)}


def test_parts_need_less_memory(make_job):
    def measured(accumulate):
        events = []
        update = {"accumulate": accumulate, "output_dir": None}
        job = make_job(epochs=1, filters=64).model_copy(update=update)
        train_trial(job, events.append, threading.Event(), worker="w")
        return events[-1].measurements.memory_bytes, events[-1].measurements.parameters

    (whole, parameters), (halved, _) = measured(1), measured(2)
    weights = 4 * 4 * parameters  # AdamW: weight, gradient, two moments
    assert halved - weights == pytest.approx((whole - weights) / 2, rel=0.01)


def test_mixed_precision_trains_in_parts(make_job):
    job = make_job(epochs=3, training={"precision": "bf16-mixed"})
    assert run(job, 4)[0][-1].val_accuracy > 0.5


def test_health_sees_each_step_once(make_job, monkeypatch):
    """The loss that is recorded of a step is the whole batch's, whatever its parts."""
    from hpo_torch.health.gradient_recorder import GradientRecorder

    losses = {1: [], 3: []}

    def recorded(accumulate):
        with monkeypatch.context() as patch:
            patch.setattr(
                GradientRecorder, "keep_loss", lambda _, loss: losses[accumulate].append(loss)
            )
            run(make_job(**PLAIN), accumulate)

    recorded(1)
    recorded(3)
    assert len(losses[1]) == 36
    torch.testing.assert_close(torch.stack(losses[3]), torch.stack(losses[1]), rtol=1e-3, atol=1e-4)
