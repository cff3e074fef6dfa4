"""From a pool to results for health_helps.py: plain JSON, a dictionary a condition."""

from __future__ import annotations

import math
import statistics
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from health_helps_rules import BASELINE, MAIN, RULES, SubPool, sub_pools
from health_helps_statistics import (
    Line,
    Tau,
    bootstrap_interval,
    by_range,
    holm,
    partial_tau,
    sign_flip_p,
    verdict,
)

from hpo_torch.search.families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Record = Mapping[str, Any]
    Results = dict[str, Any]

# Name of each measure, and whether more of it is better. The first one is what is decided by.
MEASURES: Final[Mapping[str, bool]] = {
    "held_out": True,
    "clean": True,
    "seen": True,
    "above_line": True,
    "ece": False,
    "held_out_ece": False,
}
PRIMARY = "held_out"
ALL = "all"
LEAST_SKILL = 0.1
COMPETITIVE = 0.05  # below the best validation accuracy of the seed
DEPTHS = (0, 4, 6, 99)
FEWEST_MODELS = 20
FEWEST_UNITS = 6  # of fewer, no p is below 0.05


def analyse_pool(records: Sequence[Record], size: int) -> Results:
    """Compare all rules on every condition of a pool, and on all together."""
    results: Results = {}
    measured: dict[str, dict[str, dict[str, Floats]]] = {}
    for name in dict.fromkeys(record["condition"] for record in records):
        mine = [record for record in records if record["condition"] == name]
        line = _line(mine)
        mine = [with_line(record, line) if "test" in record else record for record in mine]
        complete = [record for record in mine if "test" in record]
        pools = sub_pools(mine, size)
        if not pools:
            continue
        measured[name] = {rule: _measure(rule, pools) for rule in RULES}
        results[name] = {
            "trainings": len(mine),
            "complete": len(complete),
            "units": len(pools),
            "line": asdict(line) if line else None,
            "costs": _costs(mine),
            "influence": statistics.median(map(influence, pools)),
            "rules": compare(measured[name]),
            "tau": correlations(complete),
        }
    if len(measured) > 1:
        everything = {rule: _joined([each[rule] for each in measured.values()]) for rule in RULES}
        units = sum(each["units"] for each in results.values())
        results[ALL] = {"units": units, "rules": compare(everything)}
    return results


def _line(records: Sequence[Record]) -> Line | None:
    """Fit clean and damaged test accuracy of all models with some skill."""
    skilled = [r["test"] for r in records if "test" in r and r["skill"] >= LEAST_SKILL]
    if len(skilled) < FEWEST_MODELS:
        return None
    clean, damaged = (np.array([test[key] for test in skilled]) for key in ("clean", PRIMARY))
    return Line.fit(clean, damaged, int(skilled[0]["examples"]))


def with_line(record: Record, line: Line | None) -> Record:
    """Add what a model's accuracy on damaged data is above the line; NaN where there is none."""
    test = record["test"]
    clean, damaged = np.array([test["clean"]]), np.array([test[PRIMARY]])
    above = np.nan if line is None else float(line.above(clean, damaged)[0])
    return {**record, "test": {**test, "above_line": above}}


def _measure(rule: str, pools: Sequence[SubPool]) -> dict[str, Floats]:
    """Return each measure of what a rule returns, one value a sub-pool; NaN without a rule."""
    chosen = [RULES[rule](pool) for pool in pools]
    return {
        measure: np.array(
            [
                np.nan if c is None else c @ [record["test"][measure] for record in pool.records]
                for c, pool in zip(chosen, pools, strict=True)
            ]
        )
        for measure in MEASURES
    }


def _joined(parts: Sequence[Mapping[str, Floats]]) -> dict[str, Floats]:
    return {measure: np.concatenate([part[measure] for part in parts]) for measure in MEASURES}


def compare(measured: Mapping[str, Mapping[str, Floats]]) -> Results:
    """Compare every rule with picking the best accuracy, pair by pair, and the main contrasts.

    Args:
        measured: By rule and measure, one value a unit.
    """
    results: Results = {}
    for rule in [*RULES, *(name for name in MAIN if name not in RULES)]:
        other = MAIN.get(rule, BASELINE)
        subject = rule if rule in RULES else rule.partition(",")[0]
        results[rule] = {
            measure: _difference(measured[subject][measure], measured[other][measure], measure)
            for measure in MEASURES
        }
    p_values = {
        name: results[name][PRIMARY]["p"] for name in MAIN if results[name][PRIMARY] is not None
    }
    for name, adjusted in holm(p_values).items():
        results[name][PRIMARY]["p_holm"] = adjusted
    return results


def _difference(subject: Floats, other: Floats, measure: str) -> Results | None:
    """Return a paired comparison; None where the rule has nothing to go by in any unit."""
    known = ~np.isnan(subject) & ~np.isnan(other)
    if not known.any():
        return None
    differences = subject[known] - other[known]
    low, high = bootstrap_interval(differences)
    return {
        "mean": float(subject[known].mean()),
        "difference": float(differences.mean()),
        "low": low,
        "high": high,
        "signs": [int((differences > 0).sum()), int((differences < 0).sum())],
        "units": int(known.sum()),
        "p": sign_flip_p(differences),
        "verdict": (
            verdict(low, high, higher_is_better=MEASURES[measure])
            if len(differences) >= FEWEST_UNITS
            else "too few sub-pools"
        ),
    }


def influence(pool: SubPool, weight: float = 0.3) -> float:
    """Return the share of the mixed score's spread that is health's: w sd(H) of the sum."""
    health, accuracy = weight * pool.health().std(), (1 - weight) * pool.accuracy.std()
    return float(health / (health + accuracy)) if health + accuracy else 0.0


def correlations(records: Sequence[Record]) -> Results:
    """Correlate every metric with damaged accuracy given clean accuracy, among good models.

    Good ones are within 0.05 of the best validation accuracy of their seed. "plain" compares all
    pairs of them, "stratified" only those of like activations and depth.
    """
    best: dict[int, float] = {}
    for record in records:
        best[record["seed"]] = max(best.get(record["seed"], 0.0), record["val_accuracy"])
    good = [r for r in records if r["val_accuracy"] >= best[r["seed"]] - COMPETITIVE]
    results: Results = {}
    for metric in sorted({name for record in good for name in record["readings"]}):
        values = [record["readings"][metric]["value"] for record in good]
        results[metric] = _correlation(values, good)
    for name, extract in _OTHERS.items():
        results[name] = _correlation([extract(record) for record in good], good)
    return results


_OTHERS: Final[Mapping[str, Any]] = {
    "overall_health": lambda record: record["health"]["default"],
    "overall_health, preset original": lambda record: record["health"]["original"],
    "- validation loss": lambda record: -record["val_loss"],
    "- validation ECE": lambda record: None if record["val_ece"] is None else -record["val_ece"],
    "weight decay": lambda record: record["hyperparameters"]["weight_decay"],
    "- parameters": lambda record: -record["parameters"],
}


def _correlation(values: Sequence[float | None], records: Sequence[Record]) -> Results:
    pairs = [(v, r) for v, r in zip(values, records, strict=True) if v is not None]
    metric = np.array([value for value, _ in pairs], dtype=np.float64)
    known = [record for _, record in pairs]
    summary: Results = {"models": len(known)}
    if len(known) < FEWEST_MODELS or metric.std() == 0.0:
        return {**summary, "deviation": float(metric.std()) if known else None}
    target, control = (
        np.array([record["test"][key] for record in known]) for key in (PRIMARY, "clean")
    )
    return {
        **summary,
        "deviation": float(metric.std()),
        "plain": _as_json(partial_tau(metric, target, control, [0] * len(known))),
        "stratified": _as_json(partial_tau(metric, target, control, strata(known))),
    }


def _as_json(tau: Tau) -> Results:
    """JSON has no NaN."""
    return {key: None if math.isnan(value) else value for key, value in asdict(tau).items()}


def strata(records: Sequence[Record]) -> list[tuple[str, ...]]:
    """Return each model's activations and depth: up to 3, 4 or 5, 6 or more hidden layers."""
    values = [record["hyperparameters"] for record in records]
    depths = by_range(
        [v.get("conv_layers", v.get("lstm_layers", 0)) + v["hidden_layers"] for v in values],
        DEPTHS,
    )
    return [
        (*(v[name] for name in _activations(v)), depth)
        for v, depth in zip(values, depths, strict=True)
    ]


def _activations(values: Mapping[str, Any]) -> tuple[str, ...]:
    return FAMILIES["cnn" if "conv_layers" in values else "lstm"].activations


def _costs(records: Sequence[Record]) -> Results:
    seconds, health = (
        np.array([record[key] for record in records]) for key in ("seconds", "health_seconds")
    )
    return {
        "seconds": float(np.median(seconds)),
        "health_share": float(np.median(health / seconds)),
    }
