from __future__ import annotations

import pytest
import torch
from torch import nn, optim

from hpo_torch.errors import UnknownNameError
from hpo_torch.training.optimizers import build_optimizer

KINDS = {"adam": optim.Adam, "adamw": optim.AdamW, "rmsprop": optim.RMSprop, "sgd": optim.SGD}


def configuration(**changes):
    values = {"learning_rate": 0.01, "weight_decay": 0.1, "clip_gradients": False}
    if changes.get("optimizer") == "sgd":
        values["momentum"] = 0.9
    return {**values, **changes}


def network():
    torch.manual_seed(0)
    # Groups of two: behind batch normalisation the gradient of a convolution's bias is nothing but
    # rounding, which Adam would scale up to a whole step.
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4), nn.Flatten(), nn.Linear(16, 3))


def test_weights_decay_and_vectors_do_not():
    model = network()

    optimizer = build_optimizer(configuration(optimizer="adam"), model.named_parameters())

    decayed, spared = optimizer.param_groups
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.1, 0.0)
    assert decayed["param_names"] == ["0.weight", "3.weight"]
    assert spared["param_names"] == ["0.bias", "1.weight", "1.bias", "3.bias"]
    assert decayed["params"][1] is model[3].weight


@pytest.mark.parametrize("name", KINDS)
def test_learning_rate_and_weight_decay_reach_every_optimizer(name):
    optimizer = build_optimizer(configuration(optimizer=name), network().named_parameters())

    assert type(optimizer) is KINDS[name]
    assert [group["lr"] for group in optimizer.param_groups] == [0.01, 0.01]
    assert optimizer.param_groups[0]["weight_decay"] == 0.1


@pytest.mark.parametrize("clip", [False, True], ids=["free", "clipped"])
@pytest.mark.parametrize("name", KINDS)
def test_steps_equal_torchs_plain_optimizer(name, clip):
    """Whatever form torch chooses (fused, multi-tensor), the steps are those of its plain loop."""
    ours, plain = network(), network()
    values = configuration(optimizer=name, clip_gradients=clip)
    optimizer = build_optimizer(values, ours.named_parameters())
    extra = {"momentum": 0.9, "nesterov": True} if name == "sgd" else {}
    groups = [
        {"params": [plain[0].weight, plain[3].weight], "weight_decay": 0.1},
        {"params": [plain[0].bias, *plain[1].parameters(), plain[3].bias], "weight_decay": 0.0},
    ]
    reference = KINDS[name](groups, lr=0.01, foreach=False, **extra)

    for _ in range(3):
        images = torch.rand(8, 1, 4, 4)
        for model, steps in ((ours, optimizer), (plain, reference)):
            steps.zero_grad()
            model(images).square().sum().backward()
            steps.step()

    for mine, theirs in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_sgd_step_by_hand():
    weight = nn.Parameter(torch.tensor([[2.0]]))
    values = configuration(optimizer="sgd", learning_rate=0.1, weight_decay=0.5, momentum=0.9)
    optimizer = build_optimizer(values, [("weight", weight)])
    weight.grad = torch.tensor([[1.0]])

    optimizer.step()

    # g = 1 + 0.5 x 2 = 2; first step: buffer 2; Nesterov: 2 + 0.9 x 2 = 3.8; 2 - 0.1 x 3.8
    assert weight.item() == pytest.approx(1.62)


def test_sgd_without_momentum_is_plain():
    values = configuration(optimizer="sgd", momentum=0.0)

    optimizer = build_optimizer(values, network().named_parameters())

    assert optimizer.defaults["nesterov"] is False


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_step_is_fused_on_the_cpu_unless_gradients_are_clipped(name):
    free, clipped = (
        build_optimizer(
            configuration(optimizer=name, clip_gradients=clip), network().named_parameters()
        )
        for clip in (False, True)
    )

    assert free.defaults["fused"] is True
    assert clipped.defaults["fused"] is None  # torch's own choice, not switched off


def test_step_is_not_fused_on_other_devices():
    model = network().to("meta")

    optimizer = build_optimizer(configuration(optimizer="adamw"), model.named_parameters())

    assert optimizer.defaults["fused"] is None


def test_frozen_parameters_are_left_out():
    model = network()
    model[0].requires_grad_(False)

    optimizer = build_optimizer(configuration(optimizer="adam"), model.named_parameters())

    assert [group["param_names"] for group in optimizer.param_groups] == [
        ["3.weight"],
        ["1.weight", "1.bias", "3.bias"],
    ]


def test_network_without_vectors_has_one_group():
    layer = nn.Linear(2, 2, bias=False)

    optimizer = build_optimizer(configuration(optimizer="adam"), layer.named_parameters())

    assert len(optimizer.param_groups) == 1


def test_unknown_optimizer_is_refused():
    with pytest.raises(UnknownNameError, match="unknown optimizer 'adm'"):
        build_optimizer(configuration(optimizer="adm"), network().named_parameters())
