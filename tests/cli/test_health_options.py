"""`optimize`: which health settings its options set."""

from __future__ import annotations

import pytest

from hpo_torch.cli import run
from hpo_torch.config.load import resolve_config


@pytest.fixture
def health(cli, monkeypatch):
    """The health settings of `hpo-torch optimize ARGUMENTS`, and how the program ended."""

    def of(*arguments):
        found = []
        monkeypatch.setattr(
            run, "run_search", lambda layers, **_: found.append(resolve_config(layers).config)
        )
        outcome = cli("optimize", *arguments)
        return (found[0].health if found else None), outcome

    return of


def test_health_weights_takes_pairs_and_may_be_repeated(health):
    settings, _ = health(
        "--health-weights", "training_stability=0.5,gradient_health=0",
        "--health-weights", "calm = 2",
    )  # fmt: skip
    assert settings.weights == {"training_stability": 0.5, "gradient_health": 0.0, "calm": 2.0}


def test_health_weights_add_to_those_of_a_file(health, tmp_path):
    (tmp_path / "mine.yaml").write_text("health: {weights: {calm: 1, loud: 1}}\n")
    settings, _ = health("--config", "mine.yaml", "--health-weights", "loud=3")
    assert settings.weights == {"calm": 1.0, "loud": 3.0}


def test_health_combine_and_preset(health):
    assert health("--health-combine", "min")[0].combine == "min"
    settings, _ = health("--health-preset", "original", "--health-weights", "gradient_health=0.3")
    assert settings.combine == "arithmetic"
    assert settings.weights["gradient_health"] == 0.3
    assert settings.weights["neuron_utilization"] == 0.25


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--health-weights", "calm"), "--health-weights: expected NAME=VALUE, got 'calm'"),
        (("--health-weights", "calm=much"), "health.weights.calm: Input should be a valid number"),
        (("--health-combine", "sum"), "health.combine: expected 'geometric', 'arithmetic' or"),
        (("--health-preset", "orginal"), "Did you mean 'original'?"),
    ],
)
def test_bad_health_options_are_one_clear_message(health, arguments, message):
    settings, outcome = health(*arguments)
    assert settings is None
    assert outcome.code == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err
