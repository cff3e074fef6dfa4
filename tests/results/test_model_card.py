from __future__ import annotations

import numpy as np
import pytest

from hpo_torch.results.environment import describe_environment
from hpo_torch.results.model_card import TrainedOn, write_model_card
from hpo_torch.results.predictions import Predictions
from hpo_torch.results.records import TestReport
from hpo_torch.results.summary import RunView

IMAGES = TrainedOn(
    dataset="signs", source="a road | a street", kind="image", shape=(3, 8, 16), sizes=(100, 10)
)
REPORT = TestReport.from_confusion([[5, 0], [1, 4]], ["left", "right"], loss=0.25)


@pytest.fixture
def kept(run, make_trial):
    """A run whose winner's weights are kept, and the winner."""
    from hpo_torch.config.schema import RunConfig

    run.write_config(RunConfig())
    trial = make_trial(3, kept_epoch=2)
    run.write_trial(trial)
    run.weights(3).write_text("weights")
    run.keep_best_model(trial)
    return run, trial


def cells(text: str, name: str) -> str:
    (line,) = (line for line in text.splitlines() if line.startswith(f"| {name} |"))
    return line.split("|", 2)[2].strip(" |")


def scored_card(run) -> str:
    """Score the winner: nine of ten right, all at a probability of 0.85; return the README."""
    probabilities = np.full((10, 2), [0.85, 0.15], dtype=np.float32)
    labels = np.array([0] * 9 + [1])
    Predictions(probabilities, labels).write(run.test_predictions)
    run.write_test_report(REPORT)
    run.write_environment(describe_environment(["cpu (x86_64)"]))
    write_model_card(RunView(run), IMAGES)
    return run.best_readme.read_text()


def test_card_says_what_was_measured(kept):
    text = scored_card(kept[0])
    beginning = "# The best model of this run\n\nThe weights are those of trial 3, epoch 2"
    assert text.startswith(beginning)
    assert cells(text, "accuracy") == "0.9000"
    assert cells(text, "95 % Wilson interval") == "0.5958 to 0.9821"
    assert cells(text, "expected calibration error (15 bins)") == "0.0500"  # 0.9 right, 0.85 said
    assert cells(text, "lowest recall") == "right 0.8000, left 1.0000"
    assert cells(text, "source") == r"a road \| a street"
    assert cells(text, "training examples").startswith("100, of which a share of 0.2 validated")
    assert cells(text, "test examples") == "10"
    assert cells(text, "overall health") == "0.9000"
    assert cells(text, "training_stability") == "- (too few steps)"
    assert cells(text, "activation") == "`relu`"
    assert cells(text, "parameters") == "1,234"
    assert cells(text, "trained on") == "cpu (x86_64)"
    assert "16x8 pixels (width x height), RGB" in text
    assert "hpo_torch.load_model(" in text


def test_card_leaves_whose_weights_they_are(kept):
    run, trial = kept
    text = scored_card(run)
    assert run.holds_best_model(trial)
    write_model_card(RunView(run), IMAGES)
    assert run.best_readme.read_text() == text


def test_card_of_a_text_model_tells_its_vocabulary(run, make_trial):
    from hpo_torch.config.schema import RunConfig

    run.write_config(RunConfig())
    values = {"vocab_size": 20000, "sequence_length": 80}
    trial = make_trial(0, family="lstm", hyperparameters=values)
    run.write_trial(trial)
    run.weights(0).write_text("weights")
    run.keep_best_model(trial)
    run.write_test_report(REPORT)
    write_model_card(
        RunView(run),
        TrainedOn(dataset="csv", source="yours", kind="text", shape=(), sizes=(100, 10)),
    )
    text = run.best_readme.read_text()
    assert "At most the 20,000 commonest words" in text
    assert "more than 80 words" in text
    assert "`tokenizer.json`" in text


def test_card_needs_a_score_and_a_readme(kept):
    run, _ = kept
    before = run.best_readme.read_text()
    write_model_card(RunView(run), IMAGES)
    assert run.best_readme.read_text() == before
    run.write_test_report(REPORT)
    run.best_readme.unlink()
    write_model_card(RunView(run), IMAGES)
    assert not run.best_readme.exists()


def test_another_winner_takes_the_card_and_programs_away(kept, make_trial):
    run, trial = kept
    run.write_test_report(REPORT)
    write_model_card(RunView(run), IMAGES)
    for path in run.made_of_weights:
        path.write_text("of the first winner")
    other = make_trial(4)
    run.weights(4).parent.mkdir(parents=True)
    run.weights(4).write_text("other weights")
    run.keep_best_model(other)
    assert not run.holds_best_model(trial)
    assert run.holds_best_model(other)
    assert "Wilson" not in run.best_readme.read_text()
    assert not any(path.exists() for path in run.made_of_weights)
