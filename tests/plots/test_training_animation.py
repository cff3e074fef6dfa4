from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from hpo_torch.plots.style import save
from hpo_torch.plots.training_animation import training_animation
from hpo_torch.plots.training_frames import frames_of
from hpo_torch.protocol.measurements import HealthReading

WEIGHTS = {"neuron_utilization": 0.5, "gradient_health": 0.2}


def health(alive=1.0, decades=-1.0, value=0.5):
    return {
        "gradient_health": HealthReading(
            value=value, details={"decades": {"conv1.conv": decades, "output": 0.0}}
        ),
        "neuron_utilization": HealthReading(
            value=alive, details={"alive": {"conv1.activation": alive}}
        ),
        "tracked": HealthReading(value=0.1),
        "training_stability": HealthReading(reason="only 12 steps"),
    }


def test_frames_hold_what_every_epoch_measured(trained):
    trial, epochs = trained([health(1.0, -1.0, 0.25), health(0.75, -2.0, 0.5)])
    frames = frames_of(epochs, WEIGHTS)
    assert frames.epochs == [1, 2]
    assert frames.planned == 20
    first = trial.epochs[0]
    assert frames.losses[0].tolist() == [first.train_loss, first.val_loss]
    assert frames.accuracies[0].tolist() == [100 * first.train_accuracy, 100 * first.val_accuracy]
    assert frames.layers == ["conv1", "output"]
    np.testing.assert_equal(frames.dead, [[0.0, np.nan], [25.0, np.nan]])
    assert frames.decades.tolist() == [[-1.0, 0.0], [-2.0, 0.0]]
    # Heavier metrics first; what is only tracked, or was never measured, is left out.
    assert frames.metrics == ["overall (kept epoch)", "neuron_utilization", "gradient_health"]
    assert frames.values.tolist() == [[0.55, 1.0, 0.25], [0.55, 0.75, 0.5]]


def test_all_measured_metrics_are_shown_where_none_counts(trained):
    _, epochs = trained([health()])
    assert frames_of(epochs, {}).metrics == [
        "overall (kept epoch)",
        "gradient_health",
        "neuron_utilization",
        "tracked",
    ]


def test_animation_is_a_frame_an_epoch_and_holds_the_first_and_last(trained, tmp_path):
    # Each epoch looks different: Pillow would make one of equal frames.
    readings = [health(alive, alive, alive) for alive in (1.0, 0.9, 0.8, 0.7)]
    trial, epochs = trained(readings)
    path = save(training_animation(trial, epochs, WEIGHTS), tmp_path / "a.gif")
    with Image.open(path) as image:
        assert image.format == "GIF"
        durations = []
        for frame in range(image.n_frames):
            image.seek(frame)
            durations.append(image.info["duration"])
        assert image.info["loop"] == 0
    assert durations == [1000, 250, 250, 3000]
    assert path.stat().st_size < 200_000


def panels(animation):
    return {axes.get_title(loc="left"): axes for axes in animation._fig.axes}


def test_curves_grow_over_fixed_axes(trained, tmp_path):
    trial, epochs = trained([health(), health(0.5), health()])
    animation = training_animation(trial, epochs, WEIGHTS)
    loss, dead = panels(animation)["Loss (nats)"], panels(animation)["Dead units (%)"]
    limits = []
    for frame, grown in enumerate(([1], [1, 2], [1, 2, 3])):
        animation._func(frame)
        assert list(loss.lines[0].get_xdata()) == grown
        limits.append((loss.get_xlim(), loss.get_ylim(), dead.get_xlim()))
    assert limits == [((0.5, 20.5), loss.get_ylim(), (0.0, 52.5))] * 3
    animation._func(1)
    assert [bar.get_width() for bar in dead.patches] == [50.0, 0.0]
    assert animation._fig.get_suptitle() == "Trial 7, epoch 2 of 20"
    save(animation, tmp_path / "a.gif")


@pytest.mark.parametrize(
    ("readings", "diverged_from"),
    [
        ([health()], None),
        ([{}, {}], None),
        ([health(), health(decades=None), health(value=None)], 1),
        ([{"gradient_health": HealthReading(reason="failed")}], 1),
    ],
    ids=["one epoch", "nothing measured", "diverged", "diverged at once"],
)
def test_what_was_not_measured_is_told_without_a_warning(
    trained, tmp_path, readings, diverged_from
):
    trial, epochs = trained(readings, diverged_from=diverged_from)
    unhealthy = [
        epoch.model_copy(
            update={"so_far": epoch.so_far.model_copy(update={"overall_health": None})}
        )
        for epoch in epochs
    ]
    animation = training_animation(trial, unhealthy, WEIGHTS)
    assert math.isnan(frames_of(unhealthy, WEIGHTS).values[0, 0])
    texts = [text.get_text().strip() for axes in animation._fig.axes for text in axes.texts]
    assert "not measured" in texts
    assert save(animation, tmp_path / "a.gif").exists()


def test_layer_that_could_not_be_measured_in_an_epoch_has_a_cross(trained, tmp_path):
    trial, epochs = trained([health(), health(decades=None)])
    animation = training_animation(trial, epochs, WEIGHTS)
    (cross,) = [
        line for line in panels(animation)["Gradient (decades)"].lines if line.get_marker() == "x"
    ]
    assert list(cross.get_ydata()) == [0]
    shown = []
    for frame in (0, 1):
        animation._func(frame)
        shown.append(cross.get_visible())
    assert shown == [False, True]
    save(animation, tmp_path / "a.gif")
