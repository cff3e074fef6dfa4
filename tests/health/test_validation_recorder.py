from __future__ import annotations

import math

import torch

from hpo_torch.health.validation_recorder import ValidationRecorder


def test_answers_of_all_batches_in_order() -> None:
    recorder = ValidationRecorder()
    recorder.keep(torch.tensor([[0.0, math.log(3.0)], [math.log(4.0), 0.0]]), torch.tensor([1, 1]))
    recorder.keep(torch.tensor([[0.0, 0.0]]), torch.tensor([0]))
    confidences, correct = recorder.answers()
    torch.testing.assert_close(confidences, torch.tensor([0.75, 0.8, 0.5]))
    assert correct.tolist() == [True, False, True]


def test_a_pass_begins_empty() -> None:
    recorder = ValidationRecorder()
    assert recorder.answers() is None
    recorder.keep(torch.eye(2), torch.arange(2))
    recorder.clear()
    assert recorder.answers() is None


def test_half_precision_logits_give_float32_confidences() -> None:
    logits = torch.tensor([[0.0, 9.0]], dtype=torch.bfloat16, requires_grad=True)
    recorder = ValidationRecorder()
    recorder.keep(logits, torch.tensor([1]))
    confidences, _ = recorder.answers()
    assert confidences.dtype == torch.float32
    assert not confidences.requires_grad
    assert 0.9998 < confidences.item() < 0.9999  # bfloat16 has nothing between 0.996 and 1


def test_logits_of_nan_have_no_confidence() -> None:
    recorder = ValidationRecorder()
    recorder.keep(torch.full((1, 3), math.nan), torch.tensor([2]))
    assert recorder.answers()[0].isnan().all()
