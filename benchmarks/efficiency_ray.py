"""Ray Tune with ASHA and a plain PyTorch loop, as Ray's own examples have them.

A part of `search_efficiency.py --data-dir DIR`, which starts it in an environment with ray[tune]
and torch. Configurations are drawn at random, as Ray does unless it is told otherwise; as many
trials run at once as there are cores (by default one core each).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
import torch
from efficiency_network import build_network, build_optimizer, loaders
from efficiency_space import SEARCHED, is_whole
from efficiency_task import Parts, Task, read_parts
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.basic_variant import BasicVariantGenerator
from torch import nn

if TYPE_CHECKING:
    from efficiency_network import Loader


def space() -> dict[str, Any]:
    """Return the space as Ray writes it."""
    domains: dict[str, Any] = {}
    for name, domain in SEARCHED.items():
        if "choices" in domain:
            domains[name] = tune.choice(domain["choices"])
        elif is_whole(domain):
            domains[name] = tune.randint(domain["low"], domain["high"] + 1)
        else:
            draw = tune.loguniform if domain.get("log") else tune.uniform
            domains[name] = draw(domain["low"], domain["high"])
    return domains


def train(config: dict[str, Any], task: Task, parts: Parts) -> None:
    """Train a trial, in a process of its own."""
    torch.manual_seed(task.seed)
    network = build_network(config, parts.shape, parts.num_classes)
    optimizer = build_optimizer(config, network.parameters())
    train_loader, val_loader = loaders(parts, config["batch_size"])
    trial = tune.get_context().get_trial_id()
    best, waited = 0.0, 0
    for epoch in range(1, task.epochs + 1):
        train_epoch(network, optimizer, train_loader)
        accuracy = share_right(network, val_loader)
        task.tell(trial, epoch, accuracy)
        tune.report({"val_accuracy": accuracy})
        waited = 0 if accuracy > best else waited + 1
        best = max(best, accuracy)
        if waited >= task.patience:
            return


def train_epoch(network: nn.Module, optimizer: torch.optim.Optimizer, loader: Loader) -> None:
    """Go through the training part once."""
    network.train()
    for images, labels in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()


@torch.no_grad()
def share_right(network: nn.Module, loader: Loader) -> float:
    """Return the validation accuracy, 0..1."""
    network.eval()
    right = examples = 0
    for images, labels in loader:
        right += int((network(images).argmax(1) == labels).sum())
        examples += len(labels)
    return right / examples


def search(task: Task) -> None:
    """Search until there have been as many trials as wanted."""
    ray.init(num_cpus=len(os.sched_getaffinity(0)), include_dashboard=False)
    trainable = tune.with_parameters(train, task=task, parts=read_parts(Path(task.data)))
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": task.cores_per_trial}),
        param_space=space(),
        tune_config=tune.TuneConfig(
            metric="val_accuracy",
            mode="max",
            num_samples=task.trials,
            scheduler=ASHAScheduler(max_t=task.epochs, grace_period=1, reduction_factor=3),
            search_alg=BasicVariantGenerator(
                points_to_evaluate=None if task.first is None else [task.first],
                random_state=task.seed,
            ),
        ),
        run_config=tune.RunConfig(storage_path=task.folder, verbose=0),
    )
    tuner.fit()


if __name__ == "__main__":
    search(Task.from_command_line())
