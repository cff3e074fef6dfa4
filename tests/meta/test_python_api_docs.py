"""docs/python-api.md: its examples run, and what it lists is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import hpo_torch
from hpo_torch.api.result import Result

TEXT = (Path(__file__).parents[2] / "docs" / "python-api.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_examples_run_one_after_the_other(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HPO_TORCH_HEALTH_PROBE_SIZE", "64")
    names = {}
    assert len(EXAMPLES) == 2
    for example in EXAMPLES:
        exec(compile(example, "docs/python-api.md", "exec"), names)
    result, curves = names["result"], names["curves"]
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert result.run.parent == Path("runs")
    assert curves.shape == (2, 2)
    # Two epochs that were trained: the frame says what the printed lines said.
    printed = capsys.readouterr().out
    for accuracy in curves.to_numpy().ravel():
        assert f"val accuracy {accuracy:.4f}" in printed
    assert result.trials["score"].max() == result.best_score
    assert f"{result.test_accuracy:.4f}" in repr(result)
    assert not (result.run / "report.html").exists()  # plots="none"


def test_every_attribute_that_is_listed_is_there_and_the_other_way_round():
    table = TEXT[TEXT.index("| attribute") : TEXT.index("The frames need pandas")]
    listed = set(re.findall(r"`(\w+)(?:\(.*?\))?`(?=[^|]*\|)", "\n".join(
        line.split("|")[1] + "|" for line in table.splitlines()[2:] if line.startswith("|")
    )))  # fmt: skip
    public = {name for name in vars(Result) if not name.startswith("_")}
    assert listed == public


def test_every_function_that_is_named_is_there():
    named = set(re.findall(r"hpo_torch\.(\w+)\(", TEXT))
    assert named <= set(hpo_torch.__all__)
