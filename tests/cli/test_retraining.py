from __future__ import annotations

from hpo_torch.cli.retraining import verdict
from hpo_torch.protocol.measurements import EpochMetrics
from hpo_torch.results.comparison import Comparison, EpochPair

EPOCH = EpochMetrics(
    epoch=1, train_loss=0.5, train_accuracy=0.8, val_loss=0.6, val_accuracy=0.75,
    learning_rate=0.001, seconds=2.0,
)  # fmt: skip


def comparison(equal, weights):
    return Comparison(
        trial=7, seeds=(1, 1), states=("complete", "complete"), scores=(0.5, 0.5),
        epochs=[EpochPair(before=EPOCH, after=EPOCH)], equal=equal, weights_equal=weights,
        reasons=[],
    )  # fmt: skip


def test_verdict_says_what_was_compared():
    assert verdict(comparison(True, None)) == "Equal, bit for bit: all figures of 1 epochs."
    assert verdict(comparison(True, True)).endswith("weights too.")


def test_verdict_differs_where_figures_or_weights_do():
    for equal, weights in [(False, None), (False, True), (True, False)]:
        assert verdict(comparison(equal, weights)).startswith("The figures differ")


def test_verdict_without_epochs_claims_nothing():
    assert verdict(comparison(None, None)).startswith("Nothing to compare")
