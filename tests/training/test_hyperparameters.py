"""Every hyperparameter changes what is trained: change one alone, and look."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import nn

from hpo_torch.config.schema import DataSettings, HealthSettings, TrainingSettings
from hpo_torch.models.build import build_network
from hpo_torch.protocol.job import TrialJob
from hpo_torch.search.cnn_space import cnn_space
from hpo_torch.training.lightning_module import Classifier
from hpo_torch.training.optimizers import build_optimizer
from hpo_torch.training.train_trial import train_trial

SHAPE = (1, 16, 16)
SPACE = cnn_space(SHAPE, 1437, 5, 20)
# So that every hyperparameter of network and optimiser exists.
BASE = {"hidden_layers": 2, "hidden_units": 64, "optimizer": "sgd", "clip_gradients": True}

# How the loop trains, not what: the test of train_trial changes each of these.
OF_THE_LOOP = {
    "batch_size",
    "clip_gradients",
    "gradient_clip_norm",
    "epochs",
    "label_smoothing",
    "schedule",
}

# What the network sees of the training images, and no other ones.
OF_THE_IMAGES = {
    "augment_flip": True,
    "augment_shift": 2,
    "augment_crop": 0.3,
    "augment_affine": 0.2,
    "augment_cutout": 0.5,
    "augment_colour": 0.5,
}


# Digits have one channel: tests/data/test_augmentation.py and tests/models/test_cnn.py have images
# of three.
OF_COLOURS = {"augment_channels", "grayscale"}


def count(kind):
    return lambda network, _: sum(isinstance(module, kind) for module in network.modules())


def in_group(key):
    return lambda _, optimizer: optimizer.param_groups[0][key]


def he_or_glorot(network, _):
    """hidden1 reads 512, writes 64: its largest weight, over He's deviation sqrt(2 / 512) = 1 / 16.

    Glorot's uniform ends at sqrt(2) x sqrt(6 / 576) = 0.144, 2.31 deviations; a normal goes on.
    """
    furthest = network.hidden1.linear.weight.abs().max().item() * 16
    return "glorot" if furthest <= 2.31 else "he" if furthest > 3.0 else "neither"


# name: (its other value, what to look at, what it is by default, what it is then)
CASES = {
    "standardize": (True, count(nn.InstanceNorm2d), 0, 1),
    "conv_layers": (3, count(nn.Conv2d), 2, 3),
    "filters": (16, lambda n, _: tuple(n.conv2.conv.weight.shape), (32, 32, 3, 3), (16, 16, 3, 3)),
    "filter_growth": (2, lambda n, _: n.conv1.conv.out_channels, 32, 16),
    "kernel_size": (5, lambda n, _: tuple(n.conv1.conv.weight.shape), (32, 1, 3, 3), (32, 1, 5, 5)),
    "activation": ("swish", lambda n, _: type(n.conv2.activation), nn.ReLU, nn.SiLU),
    "initializer": ("glorot_uniform", he_or_glorot, "he", "glorot"),
    "batch_norm": (False, count(nn.BatchNorm2d), 2, 0),
    "padding": ("valid", lambda n, _: n.hidden1.linear.in_features, 32 * 4 * 4, 32 * 2 * 2),
    "pool_size": (3, lambda n, _: n.conv2.pool.kernel_size, 2, 3),
    "global_pooling": (True, lambda n, _: n.hidden1.linear.in_features, 32 * 4 * 4, 32),
    "multi_scale": (True, lambda n, _: n.hidden1.linear.in_features, 512, 2 * 512),
    "hidden_layers": (3, count(nn.Linear), 3, 4),
    "hidden_units": (256, lambda n, _: n.hidden1.linear.out_features, 64, 256),
    "hidden_decrease": (0.25, lambda n, _: n.hidden2.linear.out_features, 32, 16),
    "hidden_activation": ("sigmoid", lambda n, _: type(n.hidden2.activation), nn.ReLU, nn.Sigmoid),
    "dropout": (0.5, lambda n, _: n.hidden1.dropout.p, 0.3, 0.5),
    "dropout_decrease": (0.15, lambda n, _: round(n.hidden2.dropout.p, 9), 0.1, 0.15),
    "optimizer": ("adam", lambda _, o: type(o).__name__, "SGD", "Adam"),
    "momentum": (0.85, in_group("momentum"), 0.9, 0.85),
    "learning_rate": (0.02, in_group("lr"), 0.001, 0.02),
    "weight_decay": (0.003, in_group("weight_decay"), 0.0001, 0.003),
}


@pytest.mark.parametrize("name", CASES)
def test_hyperparameter_alone_changes_network_or_optimizer(name):
    value, look, before, after = CASES[name]
    default = SPACE.defaults(BASE)
    changed = SPACE.defaults({**BASE, name: value})

    # Nothing else differs (but momentum, which only SGD has).
    differing = {key for key in default if changed.get(key) != default[key]}
    assert differing - ({"momentum"} if name == "optimizer" else set()) == {name}
    assert look(*build(default)) == before
    assert look(*build(changed)) == after


def build(values):
    torch.manual_seed(0)
    network = build_network("cnn", values, SHAPE, 10)
    return network, build_optimizer(values, network.named_parameters())


def test_every_hyperparameter_of_the_space_is_covered():
    assert CASES.keys() | OF_THE_LOOP | OF_THE_IMAGES.keys() | OF_COLOURS == set(SPACE.names)
    assert not CASES.keys() & OF_THE_LOOP


@pytest.fixture
def batches_of_a_trial(monkeypatch, tmp_path):
    """Return a function that trains one epoch on digits: {"training": ..., "validation": ...}."""

    def train(values):
        seen, events = {"training": [], "validation": []}, []
        with monkeypatch.context() as patch:
            for part, inputs in seen.items():
                step = getattr(Classifier, f"{part}_step")

                def record(module, batch, batch_idx, inputs=inputs, step=step):
                    inputs.append(batch[0].clone())
                    return step(module, batch, batch_idx)

                patch.setattr(Classifier, f"{part}_step", record)
            job = small_job(values, tmp_path)
            train_trial(job, events.append, threading.Event(), worker="here")
        assert events[-1].outcome == "completed", events[-1].traceback
        return {part: torch.cat(inputs) for part, inputs in seen.items()}

    return train


def small_job(values, folder):
    small = {"filters": 2, "hidden_units": 8, "epochs": 1, "batch_size": 256}
    return TrialJob(
        study="study",
        trial=0,
        attempt="0-1",
        seed=3,
        data=DataSettings(dataset="digits", dir=str(folder)),
        split_seed=0,
        family="cnn",
        hyperparameters=SPACE.defaults({**small, **values}),
        training=TrainingSettings(),
        health=HealthSettings(probe_size=16, gradient_probe_size=16),
        device="cpu",
    )


def test_augmentation_alone_changes_what_is_trained_on(batches_of_a_trial):
    plain = batches_of_a_trial({})
    assert torch.equal(batches_of_a_trial({})["training"], plain["training"])
    for name, value in OF_THE_IMAGES.items():
        changed = batches_of_a_trial({name: value})
        assert changed["training"].shape == plain["training"].shape, name
        assert not torch.equal(changed["training"], plain["training"]), name
        assert torch.equal(changed["validation"], plain["validation"]), name
