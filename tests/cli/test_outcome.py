from __future__ import annotations

import io

from rich.console import Console

from hpo_torch.cli.outcome import confirmed_text, print_outcome
from hpo_torch.config.schema import RunConfig
from hpo_torch.protocol.usage import RemoteUsage
from hpo_torch.results.records import ConfirmedTrial, TrialResult
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.summary import RunView

ENTRY = ConfirmedTrial(
    trial=7, searched=0.9845, searched_rank=2, repetitions=[0, 1, 2], seeds=[1, 2, 3],
    scores=[0.98, 0.981, 0.9826], scored=3, mean=0.9812, deviation=0.0011, rank=1,
)  # fmt: skip


def test_confirmed_text_has_mean_spread_and_what_the_search_found():
    assert confirmed_text(ENTRY) == (
        "  1  trial 7: 0.9812 ± 0.0011 over 3 seeds; searched 0.9845 (was 2)"
    )


def test_confirmed_text_of_one_seed_has_no_spread():
    one = ENTRY.model_copy(update={"scored": 1, "deviation": None, "searched_rank": 1})
    assert confirmed_text(one) == "  1  trial 7: 0.9812 over 1 seed; searched 0.9845"


def test_confirmed_text_without_scores_says_so():
    none = ENTRY.model_copy(update={"scored": 0, "mean": None, "deviation": None})
    assert "no repetition could be scored" in confirmed_text(none)


def trial(number, worker, device, *usage):
    return TrialResult(
        trial=number, attempt="a", state="complete", score=0.5, seed=1, family="cnn",
        hyperparameters={}, started="2026", seconds=1.0, worker=worker, device=device,
        usage=list(usage),
    )  # fmt: skip


def shown(tmp_path, *trials):
    """Return what is printed of a run with these trials."""
    run = RunDirectory.create(tmp_path, "run")
    run.write_config(RunConfig())
    for each in trials:
        run.write_trial(each)
    console = Console(width=160, file=io.StringIO())
    print_outcome(console, RunView(run))
    return console.file.getvalue()


def test_trials_of_one_place_need_no_place(tmp_path):
    text = shown(tmp_path, trial(0, "local-0", "cpu"), trial(1, "local-1", "cpu"))
    assert "where" not in text
    assert "cost" not in text


def test_trials_of_several_places_say_where_and_for_how_much(tmp_path):
    usage = RemoteUsage(
        job="j-1", endpoint="e-1", tier="ADA_24", price_per_second=0.00031,
        price_source="table of 2026-06-08", queue_seconds=3.0, execution_seconds=10.0,
        cost_lower=0.0031, cost_upper=0.0056,
    )  # fmt: skip
    text = shown(
        tmp_path, trial(0, "pod-7", "cuda:0 (L4)", usage, usage), trial(1, "local-0", "cpu")
    )
    rows = {line.split()[0]: line for line in text.splitlines() if " complete  " in line}
    assert rows["0"].rstrip().endswith("$0.0062 to $0.0112  pod-7, cuda:0 (L4)")
    assert rows["1"].rstrip().endswith("local-0, cpu")
    assert "$" not in rows["1"]
