"""The example's data set and health metric, checked by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hpo_torch_example import shapes
from hpo_torch_example.bias_smallness import BiasSmallness, weight_share

from hpo_torch.plugin_api import DataRequest, Probe, TrainingRecord


def test_draw_covers_the_shapes_area():
    assert shapes.draw("square", (7.0, 7.0), 2.0).sum() == 25  # 5 x 5 pixels
    assert shapes.draw("cross", (7.0, 7.0), 2.0).sum() == 9  # two bars of 5 share the middle
    assert shapes.draw("disc", (7.0, 7.0), 2.0).sum() == 13  # lattice points within radius 2


def test_shapes_are_balanced_and_always_the_same():
    request = DataRequest(data_dir=Path("unused"))
    first, again = shapes.SHAPES.load(request), shapes.SHAPES.load(request)
    assert first.train_images.shape == (600, 1, 16, 16)
    assert first.train_images.dtype == torch.uint8
    assert torch.bincount(first.train_labels).tolist() == [200, 200, 200]
    assert torch.bincount(first.test_labels).tolist() == [50, 50, 50]
    assert torch.equal(first.train_images, again.train_images)
    assert first.fingerprint == again.fingerprint


def test_images_differ_within_a_class():
    images, labels = shapes.draw_set(np.random.default_rng(1), 6)
    assert labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert not np.array_equal(images[0], images[3])


def test_weight_share_is_the_weights_part_of_the_squared_sum():
    layer = torch.nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight[:] = torch.tensor([[3.0, 0.0]])
        layer.bias[:] = 1.0
    assert weight_share(layer) == pytest.approx(9 / 10)


def test_bias_smallness_averages_the_layers_of_the_kept_epoch():
    record = _record([{"a": 0.0, "b": 0.0}, {"a": 0.5, "b": 1.0}], kept_epoch=1)
    assert BiasSmallness().score(record).value == pytest.approx(0.75)


def test_bias_smallness_sees_only_layers_with_a_bias():
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 1, 1, bias=False), torch.nn.BatchNorm2d(1), torch.nn.Linear(1, 1)
    )
    assert list(BiasSmallness().observe(_probe(network))) == ["2"]


def test_bias_smallness_without_a_bias_says_why_it_has_no_value():
    reading = BiasSmallness().score(_record([{}], kept_epoch=0))
    assert (reading.value, reading.reason) == (
        None,
        "no convolution or linear layer has a bias",
    )


def _probe(network: torch.nn.Module) -> Probe:
    images, labels = torch.zeros(1, 1, 1, 1), torch.zeros(1, dtype=torch.int64)
    return Probe(
        network=network,
        inputs=images,
        labels=labels,
        gradient_inputs=images,
        gradient_labels=labels,
        epoch=1,
    )


def _record(observations: list[dict[str, float]], kept_epoch: int) -> TrainingRecord:
    return TrainingRecord(
        step_losses=[],
        gradient_norms=[],
        epochs=[],
        kept_epoch=kept_epoch,
        observations=observations,
        skill=0.0,
        parameters=1,
        reference_parameters=1,
    )
