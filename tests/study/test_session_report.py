from __future__ import annotations

from types import SimpleNamespace

import pytest

from hpo_torch.config.schema import RunConfig
from hpo_torch.results.records import RunSummary
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.study.audience import Audience
from hpo_torch.study.session import Session

SUMMARY = RunSummary(
    run="x",
    dataset="digits",
    mode="health",
    objective="val_accuracy",
    health_weight=0.3,
    seed=42,
    backend="local",
    counts={"complete": 0, "pruned": 0, "failed": 0},
    best_trial=None,
    best_score=None,
    best=None,
    test_accuracy=None,
    parameter_importance=None,
    seconds=75.0,
    reason="all trials done",
    versions={},
)


@pytest.fixture
def draw(tmp_path):
    """Let a session draw a run without trials, whose summary.json says "interrupted" still."""

    def go(plots):
        run = RunDirectory.create(tmp_path, plots)
        config = RunConfig.model_validate({"output": {"plots": plots}})
        run.write_config(config)
        run.write_summary(SUMMARY.model_copy(update={"reason": "interrupted", "seconds": 1.0}))
        Session(SimpleNamespace(config=config), None, run, Audience())._draw(SUMMARY)
        return run

    return go


def test_page_is_written_after_the_pictures_with_the_summary_to_come(draw):
    text = draw("best").report.read_text("utf-8")
    assert "all trials done" in text
    assert "interrupted" not in text
    assert "<dd>1 min 15 s</dd>" in text


def test_without_pictures_there_is_no_page(draw):
    assert not draw("none").report.exists()
