from __future__ import annotations

import json
import logging
import math
from typing import TYPE_CHECKING, Any

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from hpo_torch.config.schema import HealthSettings
from hpo_torch.health.monitor import Baseline, HealthMonitor, HealthReport
from hpo_torch.protocol.measurements import EpochMetrics, HealthReading
from hpo_torch_health.gradient_health import GradientHealth
from hpo_torch_health.neuron_utilization import NeuronUtilization
from hpo_torch_health.parameter_efficiency import ParameterEfficiency
from hpo_torch_health.training_stability import TrainingStability

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hpo_torch.health.metric import Probe, TrainingRecord

WEIGHTS = {
    "neuron_utilization": 0.2,
    "training_stability": 0.3,
    "gradient_health": 0.2,
    "parameter_efficiency": 0.1,
}


def real_metrics() -> dict[str, Any]:
    made = NeuronUtilization(), TrainingStability(), GradientHealth(), ParameterEfficiency()
    return dict(zip(WEIGHTS, made, strict=True))


def epoch(number: int, accuracy: float = 0.8) -> EpochMetrics:
    return EpochMetrics(
        epoch=number,
        train_loss=1.0,
        train_accuracy=0.5,
        val_loss=1.0 / number,
        val_accuracy=accuracy,
        learning_rate=0.1,
        seconds=1.0,
    )


def small_network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        nn.Dropout2d(0.3),
        nn.Flatten(),
        nn.Linear(8 * 36, 16),
        nn.Tanh(),
        nn.Linear(16, 2),
    )


def data() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    images = torch.rand(256, 1, 8, 8, generator=generator)
    return images, (images.mean(dim=(1, 2, 3)) > 0.5).long()


def monitor(metrics: dict[str, Any] | None = None, **settings: Any) -> HealthMonitor:
    metrics = real_metrics() if metrics is None else metrics
    return HealthMonitor(
        metrics,
        HealthSettings(**{"every_k_steps": 3, **settings}),
        {name: WEIGHTS.get(name, 1.0) for name in metrics},
        data(),
        Baseline(accuracy=0.5, parameters=4000),
        seed=0,
    )


class Learner(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.network = small_network()

    def training_step(self, batch: tuple[Tensor, Tensor], _index: int) -> Tensor:
        return nn.functional.cross_entropy(self.network(batch[0]), batch[1])

    def validation_step(self, batch: tuple[Tensor, Tensor], _index: int) -> None:
        self.network(batch[0])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=1e-2)


class Reporter(Callback):
    """Asks for a report where the trial's own callback does: at the end of validation."""

    def __init__(self, health: HealthMonitor) -> None:
        self.health = health
        self.reports: list[HealthReport] = []

    def on_validation_end(self, trainer: Trainer, pl_module: Learner) -> None:
        epochs = [epoch(number) for number in range(1, len(self.reports) + 2)]
        self.reports.append(self.health.epoch_report(pl_module.network, epochs, len(epochs) - 1))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    yield
    logger.setLevel(level)


def fit(callbacks: list[Callback]) -> Learner:
    learner = Learner()
    trainer = Trainer(
        max_epochs=3,
        accelerator="cpu",
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    torch.manual_seed(11)
    dataset = TensorDataset(*data())
    train, validation = DataLoader(dataset, 32, shuffle=True), DataLoader(dataset, 64)
    trainer.fit(learner, train, validation)
    return learner


@pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning")  # Lightning 2.6 on torch 2.14
@pytest.mark.filterwarnings("ignore:.*does not have many workers.*")
def test_training_with_and_without_the_monitor_ends_bit_identical() -> None:
    plain = fit([])
    health = monitor()
    reporter = Reporter(health)
    watched = fit([health, reporter])
    for (name, a), b in zip(plain.state_dict().items(), watched.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    last = reporter.reports[-1]
    assert {name for name, reading in last.readings.items() if reading.value is None} == set()
    assert last.readings["training_stability"].details["steps"] == 24
    assert last.overall_health is not None
    assert 0.3 < last.overall_health <= 1.0
    assert last.alerts == ()
    state = health.state_dict()
    assert len(state["recorder"]["step_losses"]) == 24
    assert len(state["recorder"]["gradient_norms"]) == 8  # every third of 24
    assert [len(json.loads(seen)) for seen in state["observations"].values()] == [3] * 4


def test_a_report_changes_nothing_in_the_network() -> None:
    network = small_network().train()
    nn.functional.cross_entropy(network(data()[0]), data()[1]).backward()
    network[1].eval()
    state = {name: value.clone() for name, value in network.state_dict().items()}
    gradients = [parameter.grad.clone() for parameter in network.parameters()]
    flags = [module.training for module in network.modules()]
    random_state = torch.get_rng_state()
    monitor().epoch_report(network, [epoch(1)], 0)
    assert all(torch.equal(state[name], value) for name, value in network.state_dict().items())
    assert all(map(torch.equal, gradients, (p.grad for p in network.parameters())))
    assert [module.training for module in network.modules()] == flags
    assert torch.equal(torch.get_rng_state(), random_state)
    hooks = [(m._forward_hooks, m._forward_pre_hooks, m._backward_hooks) for m in network.modules()]
    assert not any(table for tables in hooks for table in tables)


def test_a_compiled_network_reads_the_same() -> None:
    plain = monitor().epoch_report(small_network(), [epoch(1)], 0)
    compiled = torch.compile(small_network(), backend="eager")
    compiled(data()[0][:4])
    assert monitor().epoch_report(compiled, [epoch(1)], 0).readings == plain.readings


class Constant:
    """A metric that gives back what it was made with, or raises it."""

    def __init__(self, reading: Any, observed: Any = None) -> None:
        self.reading, self.observed = reading, observed

    def observe(self, probe: Probe) -> Any:
        if isinstance(self.observed, Exception):
            raise self.observed
        return self.observed

    def score(self, record: TrainingRecord) -> HealthReading:
        if isinstance(self.reading, Exception):
            raise self.reading
        return self.reading


GOOD = HealthReading(value=0.5)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (Constant(ValueError("no luck")), "error: ValueError: no luck"),
        (Constant(GOOD, observed=KeyError("k")), "error: KeyError: 'k'"),
        (Constant(GOOD, observed=math.nan), "error: ValueError"),
        (Constant(GOOD, observed=torch.ones(1)), "error: TypeError"),
        (Constant(HealthReading.model_construct(value=1.5)), "error: ValidationError"),
        (Constant(HealthReading(value=0.5, details={"x": math.inf})), "error: ValueError"),
        (Constant(0.5), "error: AttributeError"),
    ],
    ids=["score raises", "observe raises", "nan", "tensor", "beyond 1", "details", "no reading"],
)
def test_a_failing_metric_costs_its_reading_only(metric: Constant, message: str) -> None:
    health = monitor({"bad": metric, "good": Constant(GOOD)})
    network = small_network()
    report = health.epoch_report(network, [epoch(1)], 0)
    assert report.readings["good"] == GOOD
    assert report.readings["bad"].value is None
    assert str(report.readings["bad"].reason).startswith(message)
    assert report.overall_health == pytest.approx(0.5)
    assert len(report.alerts) == 1
    assert report.alerts[0].startswith(f"health metric 'bad' failed: {message}")
    assert health.epoch_report(network, [epoch(1), epoch(2)], 1).alerts == ()  # told once


def test_alerts_tell_of_a_dead_layer_and_a_loss_that_is_not_finite() -> None:
    network = small_network()
    with torch.no_grad():
        network[1].bias.fill_(-1e6)
    health = monitor()
    trainer, learner = Trainer.__new__(Trainer), Learner()
    health.on_train_batch_end(trainer, learner, {"loss": torch.tensor(math.inf)}, None, 0)
    report = health.epoch_report(network, [epoch(1)], 0)
    assert report.alerts == (
        "the training loss became inf at step 1",
        "all 8 units of activation '2' are dead",
    )
    assert report.readings["training_stability"].value == 0.0


def test_skill_is_of_the_kept_epoch() -> None:
    epochs = [epoch(1, accuracy=0.9), epoch(2, accuracy=0.6)]
    health = monitor()
    health.epoch_report(small_network(), epochs[:1], 0)
    report = health.epoch_report(small_network(), epochs, 0)
    assert report.readings["parameter_efficiency"].details["skill"] == pytest.approx(0.8)


def test_a_restored_monitor_reports_the_same() -> None:
    whole, first, second = monitor(), monitor(), monitor()
    network, epochs = small_network(), [epoch(1), epoch(2)]
    for health in (whole, first):
        health._recorder.step_losses += [2.0 / step for step in range(1, 31)]
        health._recorder.gradient_norms += [1.0, 2.0]
        health.epoch_report(network, epochs[:1], 0)
    second.load_state_dict(first.state_dict())
    expected = whole.epoch_report(network, epochs, 1)
    restored = second.epoch_report(network, epochs, 1)
    assert restored.readings == expected.readings
    assert restored.overall_health == expected.overall_health


def test_an_epoch_left_out_is_an_error() -> None:
    with pytest.raises(ValueError, match="after every epoch"):
        monitor().epoch_report(small_network(), [epoch(1), epoch(2)], 0)


class ScaledPrecision:
    class scaler:
        @staticmethod
        def get_scale() -> float:
            return 1024.0


class FakeTrainer:
    precision_plugin = ScaledPrecision()


@pytest.mark.parametrize(("fused", "expected"), [(True, 1.0), (False, 1024.0)])
def test_gradients_of_fused_optimizers_are_unscaled(fused: bool, expected: float) -> None:
    module = nn.Linear(1, 1, bias=False)
    module.weight.grad = torch.tensor([[1024.0]])
    optimizer = torch.optim.SGD(module.parameters())
    optimizer._step_supports_amp_scaling = fused
    health = monitor()
    health.on_before_optimizer_step(FakeTrainer(), module, optimizer)
    assert health.state_dict()["recorder"]["gradient_norms"].tolist() == [expected]


def test_first_bad_step_counts_from_one() -> None:
    health = monitor()
    assert health.first_bad_step() is None
    for loss in (1.0, 2.0, math.inf, math.nan):
        health.on_train_batch_end(FakeTrainer(), small_network(), {"loss": torch.tensor(loss)})
    assert health.first_bad_step() == 3
