from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from hpo_torch.config.schema import RunConfig
from hpo_torch.plots.draw import find_pictures
from hpo_torch.reporting import page as page_module
from hpo_torch.reporting.page import write_report
from hpo_torch.results.records import RunSummary, read_record
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.summary import RunView

EVIL = "<script>alert('1')</script>"
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """What a browser would see: tags opened and closed in order, links, texts of headings."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.addresses, self.attributes = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def empty(tmp_path):
    run = RunDirectory.create(tmp_path, "empty")
    run.write_config(RunConfig())
    return run


def test_page_shows_figures_winner_classes_trials_and_configuration(
    build_run, twelve_trials, make_report, page_of
):
    text = page_of(build_run(twelve_trials, make_report(10)))
    assert Page(text).open == []
    # Trial 7 has the highest score of those that completed: 0.5 + 0.03 * (35 % 12) = 0.83.
    assert "Best: trial 7 (cnn)" in text
    assert "<dd>0.8300<small>trial 7</small></dd>" in text
    # 900 of 1,000 are right; 95 % Wilson interval: 0.87985 to 0.91709.
    assert "<dd>90.00 %<small>95 %: 87.98 % to 91.71 %</small></dd>" in text
    assert "<dd>12 of 10<small>8 complete, 2 pruned, 2 failed</small></dd>" in text
    assert '<tr><th scope="row">convolution_blocks</th><td>4</td></tr>' in text
    assert "only 12 optimiser steps were taken" in text
    assert "optimize_for: val_accuracy" in text


def test_page_asks_for_nothing_outside_and_runs_its_own_script_only(
    build_run, twelve_trials, make_report, page_of
):
    text = page_of(build_run(twelve_trials, make_report(3)))
    found = Page(text)
    assert [each for each in found.addresses if not each.startswith(("#", "data:"))] == []
    assert not {"link", "iframe", "object", "form", "base"} & set(found.tags)
    # The policy allows neither style attributes nor handlers in attributes.
    assert not {name for name in found.attributes if name == "style" or name.startswith("on")}
    policy = re.search('Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src &#39;none&#39;; img-src data:; style-src &#39;sha256-")
    assert "unsafe" not in policy


def test_every_value_is_escaped(build_run, make_trial, make_report, page_of):
    trial = make_trial(0).model_copy(update={"hyperparameters": {EVIL: EVIL}})
    failed = make_trial(1, "failed", None, epochs=0).model_copy(update={"message": EVIL})
    run = build_run([trial, failed], make_report(2, names=[EVIL, "\" onload='x"]))
    summary = read_record(run.summary, RunSummary)
    run.write_summary(summary.model_copy(update={"reason": EVIL}))
    text = page_of(run)
    assert EVIL not in text
    assert text.count("&lt;script&gt;alert(") >= 5
    assert Page(text).tags.count("script") == 1


@pytest.mark.parametrize("state", ["pruned", "failed"])
def test_page_of_a_run_without_a_winner(build_run, make_trial, page_of, state):
    text = page_of(build_run([make_trial(0, state, None, epochs=0)]))
    assert Page(text).open == []
    assert "No trial has completed." in text
    assert ("Why trials failed" in text) == (state == "failed")


def test_page_of_an_empty_run_that_has_not_ended(tmp_path, page_of):
    text = page_of(empty(tmp_path))
    assert Page(text).open == []
    assert "has not ended" in text
    assert "No trial has ended." in text
    assert "<dd>0 of 10</dd>" in text


def test_page_of_a_thousand_and_more_trials_is_limited(build_run, make_trial, page_of):
    text = page_of(build_run([make_trial(number, epochs=1) for number in range(1003)]))
    table = text[text.index('id="trials"') : text.index('id="cost"')]
    assert table.count("<tr") == 1 + 1000
    assert "3 more are not listed here." in table
    assert len(text) < 2_000_000


def test_same_run_gives_the_same_page(build_run, twelve_trials, page_of):
    run = build_run(twelve_trials)
    assert page_of(run) == page_of(run)


def test_write_report_draws_into_the_page_and_leaves_nothing_else(
    build_run, twelve_trials, tmp_path, monkeypatch
):
    wanted = find_pictures(["optimization_history", "learning_curves", "confusion_matrix"])
    monkeypatch.setattr(page_module, "PICTURES", wanted)
    run = build_run(twelve_trials)
    before = set(run.path.rglob("*"))
    assert write_report(RunView(run)) == run.path / "report.html"
    assert set(run.path.rglob("*")) - before == {run.report}
    text = run.report.read_text("utf-8")
    assert text.count('<img src="data:image/png;base64,') == 2
    assert "<strong>confusion_matrix</strong>: no model was scored on the test set" in text
    elsewhere = tmp_path / "new" / "page.html"
    assert write_report(RunView(run), elsewhere) == elsewhere
    assert elsewhere.read_text("utf-8") == text
