"""The examination of health_helps.py: a trained network on clean and damaged test examples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch
from health_helps_corruptions import SEEN, corrupted_images, corrupted_texts
from health_helps_data import CONDITIONS

from hpo_torch.data.load import load_prepared
from hpo_torch.data.prepared_texts import PreparedTexts
from hpo_torch.data.requests import data_request
from hpo_torch.data.splits import stratified_sample
from hpo_torch.hooks.registry import installed_registry
from hpo_torch_health.calibration import expected_calibration_error, reliability

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

TEST_TEXTS = 1000
CHUNK = 256


@dataclass(frozen=True, slots=True)
class Exam:
    """Test examples, clean and damaged, and their labels.

    Attributes:
        clean: uint8 [N, C, H, W] images or int64 [N, T] token ids.
        damaged: By family, one a severity.
        labels: int64 [N].
    """

    clean: Tensor
    damaged: Mapping[str, Sequence[Tensor]]
    labels: Tensor


def examine(network: nn.Module, exam: Exam, hparams: Mapping[str, Any]) -> dict[str, Any]:
    """Return accuracies (0..1), losses and calibration errors on clean and damaged examples."""
    network.eval()
    spec = hparams["input_spec"]
    confidences, correct, loss = _answers(network, _inputs(exam.clean, spec), exam.labels)
    figures: dict[str, Any] = {
        "clean": correct.double().mean().item(),
        "nll": loss,
        "ece": expected_calibration_error(reliability(confidences, correct)),
        "examples": len(correct),
        "families": {},
    }
    for group in ("held_out", "seen"):
        diagrams = []
        for family in (each for each in exam.damaged if (each in SEEN) == (group == "seen")):
            answers = [
                _answers(network, _inputs(damaged, spec), exam.labels)
                for damaged in exam.damaged[family]
            ]
            diagrams += [reliability(confident, right) for confident, right, _ in answers]
            figures["families"][family] = [a.double().mean().item() for _, a, _ in answers]
        pooled = torch.stack(diagrams).sum(0)
        figures[group] = (pooled[2].sum() / pooled[0].sum()).item()
        figures[f"{group}_ece"] = expected_calibration_error(pooled)
    return figures


def _answers(network: nn.Module, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, float]:
    """Return confidences [N], correctness [N] and the mean cross-entropy."""
    with torch.inference_mode():
        logits = torch.cat([network(chunk) for chunk in torch.split(inputs, CHUNK)])
    confidences, predicted = logits.softmax(1).max(1)
    loss = torch.nn.functional.cross_entropy(logits, labels)
    return confidences, predicted == labels, loss.item()


def _inputs(examples: Tensor, spec: Mapping[str, Any]) -> Tensor:
    """Make network inputs: of images, normalised as in training; ids are inputs already."""
    if examples.dtype != torch.uint8:
        return examples
    mean, std = (torch.tensor(spec[key]).view(1, -1, 1, 1) for key in ("mean", "std"))
    normalised = (examples / 255.0 - mean) / std
    return normalised.contiguous(memory_format=torch.channels_last)


@lru_cache(maxsize=2)
def make_exam(name: str, seed: int, data_dir: str | None) -> Exam:
    """Return a condition's test examples.

    Args:
        name: Key of `CONDITIONS`.
        seed: Of the validation split, which decides the words of texts that are known.
        data_dir: Folder of prepared data sets.
    """
    condition = CONDITIONS[name]
    settings = condition.settings(data_dir)
    loader = installed_registry().datasets.load(condition.dataset)
    if condition.family == "cnn":
        data = loader.load(data_request(settings))
        return Exam(data.test_images, corrupted_images(data.test_images), data.test_labels)
    source = load_prepared(loader, settings, seed, torch.device("cpu"))
    prepared = source.for_trial(dict(condition.fixed))
    assert isinstance(prepared, PreparedTexts)
    chosen = stratified_sample(prepared.source.test_labels, TEST_TEXTS, seed=0)
    ids, labels = prepared.test.batch(chosen)
    return Exam(ids, corrupted_texts(ids, len(prepared.vocabulary)), labels)
