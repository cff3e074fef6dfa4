from __future__ import annotations

import pytest
import small_models
import tokenizers

from hpo_torch.data.requests import data_request
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.results.summary import RunView
from hpo_torch.study.best_model_files import complete_best_model
from hpo_torch.study.finish import score_winner
from hpo_torch.study.plan import plan_study


@pytest.fixture
def reviews(tmp_path):
    run = small_models.reviews_run(tmp_path)
    config = RunView(run).config
    return run, plan_study(config, installed_registry(), data_request(config.data))


def test_scored_winner_gets_a_card_and_its_tokenizer(reviews):
    run, plan = reviews
    complete_best_model(plan, run)
    assert "Wilson" not in run.best_readme.read_text()  # it has not met the test set
    report = score_winner(plan, run)
    complete_best_model(plan, run)
    text = run.best_readme.read_text()
    assert f"| accuracy | {report.accuracy:.4f} |" in text
    assert "| training examples | 160, of which a share of 0.2 validated" in text
    assert run.holds_best_model(RunView(run).best)
    tokenizer = tokenizers.Tokenizer.from_file(str(run.best_model_dir / "tokenizer.json"))
    assert tokenizer.encode("So FINE! words?").tokens[:2] == ["so", "fine"]
