"""Small networks, probes and records to try a health metric on; torch is imported when called."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from hpo_torch.health.metric import Probe, TrainingRecord, Validation
from hpo_torch.testing.fake_training import fake_metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

Family = Literal["cnn", "lstm"]

CLASSES = 4
EXAMPLES = 96
BASELINE = 1.0 / CLASSES
_STEPS = 24
_WORDS, _LENGTH = 30, 9


@dataclass(slots=True)
class Case:
    """A network and its data, and what was recorded as it trained.

    Attributes:
        network: A CNN with batch normalisation and dropout, or an LSTM on padded texts.
        inputs: float32 [96, 1, 8, 8], or int64 [96, 9] token ids, 0 after a text's end.
        labels: int64 [96], learnable from the inputs.
        step_losses: Of every step, nats.
        gradient_norms: Of every step.
        update_ratios: Of every step, by name of the weight.
    """

    network: nn.Module
    inputs: Tensor
    labels: Tensor
    step_losses: list[float] = field(default_factory=list)
    gradient_norms: list[float] = field(default_factory=list)
    update_ratios: dict[str, list[float]] = field(default_factory=dict)

    def probe(self, epoch: int = 1, *, validated: bool = True) -> Probe:
        """Return a probe of the network as it is; its tensors are copies."""
        inputs, labels = self.inputs.clone(), self.labels.clone()
        return Probe(
            network=self.network,
            inputs=inputs,
            labels=labels,
            gradient_inputs=inputs[:32],
            gradient_labels=labels[:32],
            epoch=epoch,
            validation=self._validation() if validated else None,
            baseline_accuracy=BASELINE,
        )

    def _validation(self) -> Validation:
        import torch

        self.network.eval()
        with torch.no_grad():
            confidences, answers = self.network(self.inputs).float().softmax(dim=1).max(dim=1)
        # As of a whole validation part: some metrics need many answers.
        return Validation(
            confidences=confidences.repeat(20),
            correct=(answers == self.labels).repeat(20),
            inputs=self.inputs.clone(),
            labels=self.labels.clone(),
        )

    def record(self, observations: Sequence[Any], **changes: Any) -> TrainingRecord:
        """Return the record of as many epochs as there are observations, the last one kept."""
        values: dict[str, Any] = {
            "step_losses": self.step_losses,
            "gradient_norms": self.gradient_norms,
            "epochs": [fake_metrics(number) for number in range(1, len(observations) + 1)],
            "kept_epoch": len(observations) - 1,
            "observations": list(observations),
            "skill": 0.6,
            "parameters": sum(p.numel() for p in self.network.parameters()),
            "reference_parameters": 1000,
            "update_ratios": self.update_ratios,
            "baseline_accuracy": BASELINE,
        }
        return TrainingRecord(**{**values, **changes})


def make_case(family: Family, *, inplace: bool = True, trained: bool = True) -> Case:
    """Make a network and its data, always the same, and train it for 24 steps.

    Args:
        family: Which network.
        inplace: Whether the CNN's ReLUs overwrite their inputs.
        trained: Whether it is trained; an untrained one has no steps to record.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        case = _images(inplace) if family == "cnn" else _texts()
        if trained:
            _train(case)
    case.network.eval()
    return case


def _images(inplace: bool) -> Case:
    import torch
    from torch import nn

    network = nn.Sequential(
        nn.Conv2d(1, 6, 3),
        nn.BatchNorm2d(6),
        nn.ReLU(inplace=inplace),
        nn.Dropout2d(0.1),
        nn.Flatten(),
        nn.Linear(6 * 36, 12),
        nn.ReLU(inplace=inplace),
        nn.Linear(12, CLASSES),
    )
    labels = torch.arange(EXAMPLES) % CLASSES
    inputs = torch.randn(EXAMPLES, 1, 8, 8)
    inputs[torch.arange(EXAMPLES), 0, labels * 2] += 2.0  # a bright row tells the class
    return Case(network, inputs, labels)


def _texts() -> Case:
    import torch
    from torch import nn

    class Texts(nn.Module):
        """Classifies a text by its LSTM's mean state over the words that are no padding."""

        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(_WORDS, 8, padding_idx=0)
            self.lstm = nn.LSTM(8, 10, batch_first=True)
            self.hidden = nn.Linear(10, 8)
            self.activation = nn.Tanh()
            self.output = nn.Linear(8, CLASSES)

        def forward(self, ids: Tensor) -> Tensor:
            states, _ = self.lstm(self.embedding(ids))
            inside = (ids != 0).unsqueeze(2).to(states.dtype)
            mean = (states * inside).sum(1) / inside.sum(1)
            logits: Tensor = self.output(self.activation(self.hidden(mean)))
            return logits

    labels = torch.arange(EXAMPLES) % CLASSES
    inputs = torch.randint(CLASSES + 1, _WORDS, (EXAMPLES, _LENGTH))
    inputs[:, 0] = labels + 1  # the first word tells the class
    lengths = torch.randint(2, _LENGTH + 1, (EXAMPLES, 1))
    inputs[torch.arange(_LENGTH) >= lengths] = 0
    return Case(Texts(), inputs, labels)


def _train(case: Case) -> None:
    """Train with SGD, and leave gradients behind: metrics must not touch them."""
    import torch

    optimizer = torch.optim.SGD(case.network.parameters(), lr=0.1)
    weights = {n: p for n, p in case.network.named_parameters() if p.ndim > 1}
    for _ in range(_STEPS):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(case.network(case.inputs), case.labels)
        loss.backward()  # type: ignore[no-untyped-call]
        before = {name: weight.detach().clone() for name, weight in weights.items()}
        gradients = [p.grad for p in case.network.parameters() if p.grad is not None]
        case.step_losses.append(loss.item())
        case.gradient_norms.append(torch.nn.utils.get_total_norm(gradients).item())
        optimizer.step()
        for name, ratio in _ratios(before, weights).items():
            case.update_ratios.setdefault(name, []).append(ratio)


def _ratios(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> dict[str, float]:
    return {
        name: ((after[name].detach() - old).norm() / old.norm()).item()
        for name, old in before.items()
    }
