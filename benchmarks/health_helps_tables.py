"""The Markdown of health_helps.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from health_helps_analysis import ALL, MEASURES, PRIMARY
from health_helps_rules import MAIN, RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Results = Mapping[str, Any]

_HEADERS = {
    "held_out": "held-out damage",
    "clean": "clean",
    "seen": "damage as the probe's",
    "above_line": "above the line",
    "ece": "ECE",
    "held_out_ece": "ECE, held-out damage",
}


def tables(results: Results) -> Iterator[str]:
    """Yield all lines: the main contrasts, every rule of every condition, and the correlations."""
    yield "### Main contrasts: accuracy on held-out damage, in percentage points\n"
    yield from main_table(results)
    for name, found in results.items():
        yield f"\n### Every rule: {name}\n"
        yield f"{_facts(found)}\n" if name != ALL else f"n = {found['units']} sub-pools.\n"
        yield from rule_table(found["rules"])
    yield "\n### Metrics and accuracy on held-out damage, at equal clean accuracy\n"
    yield from tau_table({name: each for name, each in results.items() if name != ALL})


def main_table(results: Results) -> Iterator[str]:
    """Yield the contrasts that count, one line a condition and contrast."""
    yield "| data | contrast | difference (95 %) | better / worse | p | p (Holm) | reading |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | --- |"
    for name, found in results.items():
        for contrast, other in MAIN.items():
            each = found["rules"][contrast][PRIMARY]
            label = contrast if "," in contrast else f"{contrast}, over {other}"
            if each is None:
                yield f"| {name} | {label} | not measured | | | | |"
                continue
            yield (
                f"| {name} | {label} | {_interval(each)} | {each['signs'][0]} / "
                f"{each['signs'][1]} of {each['units']} | {each['p']:.3f} | "
                f"{each['p_holm']:.3f} | {each['verdict']} |"
            )


def rule_table(rules: Results) -> Iterator[str]:
    """Yield each rule's differences to accuracy only, and their reading where there is one."""
    yield "| rule | " + " | ".join(_HEADERS[measure] for measure in MEASURES) + " |"
    yield "| --- |" + " ---: |" * len(MEASURES)
    for rule in RULES:
        cells = [_cell(rules[rule][measure], rule == next(iter(RULES))) for measure in MEASURES]
        yield f"| {rule} | " + " | ".join(cells) + " |"


def tau_table(results: Results) -> Iterator[str]:
    """Yield the partial rank correlations, stratified and plain, one column a condition."""
    names = list(results)
    yield "| metric | " + " | ".join(names) + " |"
    yield "| --- |" + " --- |" * len(names)
    metrics = dict.fromkeys(metric for each in results.values() for metric in each["tau"])
    for metric in metrics:
        cells = [_tau(results[name]["tau"].get(metric)) for name in names]
        yield f"| {metric} | " + " | ".join(cells) + " |"


def _facts(found: Results) -> str:
    costs = found["costs"]
    return (
        f"{found['trainings']} trainings, {found['complete']} of them complete; "
        f"n = {found['units']} sub-pools; health took {costs['health_share']:.0%} of a training's "
        f"{costs['seconds']:.1f} s (medians); at 70/30 health made up {found['influence']:.0%} of "
        "the score's spread (median)."
    )


def _cell(each: Results | None, is_baseline: bool) -> str:
    if each is None:
        return "not measured"
    return f"{100 * each['mean']:.2f}" if is_baseline else _interval(each)


def _interval(each: Results) -> str:
    difference, low, high = (100 * each[key] for key in ("difference", "low", "high"))
    return f"{difference:+.2f} ({low:+.2f} to {high:+.2f})"


def _tau(each: Results | None) -> str:
    if each is None:
        return "not measured"
    if "stratified" not in each:
        return "never varied" if each["models"] and each["deviation"] == 0 else "too few values"
    strict, plain = each["stratified"], each["plain"]
    return f"**{_number(strict)}**, plain {_number(plain)}; {each['models']} models"


def _number(tau: Results) -> str:
    if tau["value"] is None:
        return "undefined"
    interval = "" if tau["low"] is None else f" ({tau['low']:+.2f} to {tau['high']:+.2f})"
    return f"{tau['value']:+.2f}{interval}"
