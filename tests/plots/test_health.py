from __future__ import annotations

import math

from hpo_torch.plots.health import health_report, layer_profiles
from hpo_torch.protocol.measurements import HealthReading, Measurements


def test_layer_profiles_are_found_whatever_they_are_called():
    health = {
        "spread": HealthReading(
            value=0.5,
            details={
                "by_layer": {"a": 1, "b": 0.5},
                "count": 3,
                "names": ["a"],
                "words": {"a": 1.0, "b": "text"},
                "flags": {"a": True},
                "empty": {},
                "unmeasured": {"a": None},
            },
        ),
        "nothing": HealthReading(reason="no layers"),
    }
    (profile,) = layer_profiles(health)
    assert (profile.metric, profile.key) == ("spread", "by_layer")
    assert profile.values == {"a": 1.0, "b": 0.5}


def test_layer_profiles_read_what_json_made_of_values_that_are_not_finite():
    details = {"decades": {"a": "NaN", "b": "-Infinity", "c": None, "d": 2.0}}
    (profile,) = layer_profiles({"x": HealthReading(value=0.0, details=details)})
    assert list(profile.values) == ["a", "b", "c", "d"]
    assert math.isnan(profile.values["a"])
    assert math.isnan(profile.values["c"])
    assert (profile.values["b"], profile.values["d"]) == (-math.inf, 2.0)


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


def test_health_report_draws_each_profile_by_layer(make_trial):
    measurements = make_trial(0).measurements
    figure = health_report(measurements, 0)
    titles = [axes.get_title(loc="left") for axes in figure.axes[1:]]
    assert titles == ["neuron_utilization: alive", "gradient_health: decades"]
    heights = [bar.get_height() for bar in figure.axes[2].patches]
    decades = measurements.health["gradient_health"].details["decades"]
    assert heights == list(decades.values())
    labels = [label.get_text() for label in figure.axes[2].get_xticklabels()]
    assert labels[0] == "…tures.0.convolution"
    assert labels[-1] == "head.3"


def test_values_that_are_not_finite_are_written_instead_of_drawn(make_trial):
    health = {"x": HealthReading(value=0.0, details={"d": {"a": "Infinity", "b": 1.0}})}
    measured: Measurements = make_trial(0).measurements.model_copy(update={"health": health})
    axes = health_report(measured, 0).axes[1]
    assert [bar.get_height() for bar in axes.patches] == [0.0, 1.0]
    assert [text.get_text() for text in axes.texts] == ["inf", "1"]


def test_health_report_without_profiles_has_one_panel(make_trial):
    health = {"x": HealthReading(reason="nothing to see")}
    measured = make_trial(0).measurements.model_copy(
        update={"health": health, "overall_health": None}
    )
    (axes,) = health_report(measured, 0).axes
    assert len(axes.patches) == 0
    assert [text.get_text() for text in axes.texts] == [
        "not measured: no metric could be measured",
        "not measured: nothing to see",
    ]


def test_many_layers_name_every_other_one(make_trial):
    values = {f"layer{index}": 1.0 for index in range(30)}
    health = {"x": HealthReading(value=1.0, details={"d": values})}
    axes = health_report(make_trial(0).measurements.model_copy(update={"health": health}), 0).axes[
        1
    ]
    assert len(axes.patches) == 30
    assert [label.get_text() for label in axes.get_xticklabels()] == list(values)[::2]
