"""What health may cost, counted in examples that pass through the network, not in seconds."""

from __future__ import annotations

import torch

from hpo_torch.config.schema import HealthSettings
from hpo_torch.health.monitor import Baseline, HealthMonitor
from hpo_torch.health.score import resolve_weights
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.models.build import build_network
from hpo_torch.search.families import search_space
from hpo_torch.testing.fake_training import fake_metrics

MNIST = 48_000  # training examples of an epoch
SHARE = 0.05


def test_an_epochs_probes_cost_less_than_a_twentieth_of_its_training() -> None:
    """Even if every example that is looked at were also trained on: forwards and backwards."""
    values = search_space("cnn", (1, 28, 28), MNIST, 1, 1).defaults({})
    network = build_network("cnn", values, (1, 28, 28), 10)
    settings, metrics = HealthSettings(), installed_registry().health_metrics
    measured = [spec.name for spec in metrics if not spec.opt_in]
    images, labels = torch.rand(settings.probe_size, 1, 28, 28), torch.arange(512) % 10
    monitor = HealthMonitor(
        {name: metrics.load(name)() for name in measured},
        settings,
        resolve_weights(list(metrics), settings),
        (images, labels),
        Baseline(accuracy=0.1, parameters=1000),
        seed=0,
    )
    passed = []
    network.conv1.register_forward_pre_hook(lambda _, inputs: passed.append(len(inputs[0])))
    report = monitor.epoch_report(network, [fake_metrics(1)], 0)

    assert report.readings.keys() == set(measured)
    assert settings.probe_size < sum(passed) < SHARE * MNIST
