from __future__ import annotations

from hpo_torch.plots.health import health_report
from hpo_torch.plots.style import GREY
from hpo_torch.protocol.measurements import HealthReading, Measurements


def test_health_report_has_a_bar_per_measured_metric_and_a_reason_for_the_others(make_trial):
    axes = health_report(make_trial(0).measurements, 0).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == [
        "overall health",
        "neuron_utilization",
        "gradient_health",
        "training_stability",
        "parameter_efficiency",
    ]
    bars = {
        names[round(bar.get_y() + bar.get_height() / 2)]: bar.get_width() for bar in axes.patches
    }
    assert bars == {
        "overall health": 0.55,
        "neuron_utilization": 0.94,
        "gradient_health": 0.71,
        "parameter_efficiency": 0.0,
    }
    texts = [text.get_text() for text in axes.texts]
    assert texts[3].startswith("not measured: only 12 optimiser steps")
    assert texts[4] == "0.00"


def test_metrics_that_count_stand_above_those_that_are_tracked(make_trial):
    weights = {"gradient_health": 0.2, "training_stability": 0.3}
    axes = health_report(make_trial(0).measurements, 0, weights).axes[0]
    labels = axes.get_yticklabels()
    assert [label.get_text() for label in labels] == [
        "overall health",
        "training_stability",
        "gradient_health",
        "neuron_utilization",
        "parameter_efficiency",
    ]
    assert [label.get_color() == GREY for label in labels] == [False] * 3 + [True] * 2
    assert "tracked only" in [text.get_text() for text in axes.texts]


def test_layer_figures_share_one_order_of_layers(make_trial):
    details = {
        "neuron_utilization": {"alive": {"a.act": 1.0, "c.act": 0.5}},
        "gradient_health": {"decades": {"a.conv": -1.0, "b.conv": 0.5, "c.conv": 0.0}},
    }
    health = {name: HealthReading(value=1.0, details=each) for name, each in details.items()}
    measured = make_trial(0).measurements.model_copy(update={"health": health})
    alive, decades = health_report(measured, 0).axes[1:]
    assert [axes.get_title(loc="left") for axes in (alive, decades)] == [
        "alive share",
        "gradient, decades",
    ]
    assert [label.get_text() for label in alive.get_yticklabels()] == ["a", "b", "c"]
    # Nothing is known of the second layer's units: its line is empty.
    lines = [(round(bar.get_y() + bar.get_height() / 2), bar.get_width()) for bar in alive.patches]
    assert lines == [(0, 1.0), (2, 0.5)]
    assert [bar.get_width() for bar in decades.patches] == [-1.0, 0.5, 0.0]


def test_values_that_are_not_finite_are_written_instead_of_drawn(make_trial):
    health = {"x": HealthReading(value=0.0, details={"d": {"a": "Infinity", "b": 1.0}})}
    measured: Measurements = make_trial(0).measurements.model_copy(update={"health": health})
    axes = health_report(measured, 0).axes[1]
    assert [bar.get_width() for bar in axes.patches] == [0.0, 1.0]
    assert [text.get_text() for text in axes.texts] == ["inf", "1"]


def test_health_report_without_profiles_has_one_panel(make_trial):
    health = {"x": HealthReading(reason="nothing to see")}
    measured = make_trial(0).measurements.model_copy(
        update={"health": health, "overall_health": None}
    )
    (axes,) = health_report(measured, 0).axes
    assert len(axes.patches) == 0
    assert [text.get_text() for text in axes.texts] == [
        "not measured: too little was measured",
        "not measured: nothing to see",
    ]


def test_many_layers_name_every_other_one(make_trial):
    values = {f"layer{index}": 1.0 for index in range(60)}
    health = {"x": HealthReading(value=1.0, details={"d": values})}
    measured = make_trial(0).measurements.model_copy(update={"health": health})
    axes = health_report(measured, 0).axes[1]
    assert len(axes.patches) == 60
    assert [label.get_text() for label in axes.get_yticklabels()] == list(values)[::2]
