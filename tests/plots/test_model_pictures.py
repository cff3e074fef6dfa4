from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scored_model import scored_model

from hpo_torch.plots.draw import Drawer
from hpo_torch.plots.model_pictures import MODEL_PICTURES
from hpo_torch.plots.style import Look
from hpo_torch.results.activation_maps import ActivationMaps
from hpo_torch.results.predictions import Predictions
from hpo_torch.results.summary import RunView

NAMES = [picture.name for picture in MODEL_PICTURES]


@pytest.fixture
def draw():
    """Draw all pictures of a run's model; returns why each was not, by name."""

    def draw(run, *, dark=False):
        drawer = Drawer(RunView(run), Look(dark=dark))
        drawings = list(drawer.draw(MODEL_PICTURES))
        for drawing in drawings:
            assert drawing.path.exists() == (not drawing.skipped)
        return dict(zip(NAMES, (drawing.skipped for drawing in drawings), strict=True))

    return draw


@pytest.fixture
def run(build_run, make_trial):
    return build_run([make_trial(0)])


@pytest.mark.parametrize("dark", [False, True])
def test_everything_of_a_cnn_is_drawn(run, draw, dark):
    scored_model().write(run)
    assert draw(run, dark=dark) == dict.fromkeys(NAMES, "")


def test_text_model_has_no_pictures_of_convolutions(run, draw):
    scored_model(convolutional=False).write(run)
    said = "the network has no convolutions"
    assert draw(run) == dict.fromkeys(NAMES, "") | {"filters": said, "activation_maps": said}


def test_model_that_was_not_scored_has_no_pictures(run, draw):
    assert draw(run) == dict.fromkeys(NAMES, "no model was scored on the test set")


def test_files_that_are_gone_are_named(run, draw):
    scored_model().write(run)
    for path in (*run.scored_files[1:], run.activation_maps):
        path.unlink()
    assert draw(run) == {
        "confusion_matrix": "",
        "calibration": "best_model/ has no test_predictions.npz",
        "confident_mistakes": "best_model/ has no confident_mistakes.npz",
        "architecture": "best_model/ has no architecture.json",
        "filters": "best_model/ has no architecture.json",
        "activation_maps": "best_model/ has no architecture.json",
    }


def test_model_without_mistakes_and_one_that_is_never_right(run, draw):
    scored_model(mistakes=0).write(run)
    ActivationMaps(filters=scored_model().maps.filters).write(run.activation_maps)
    skipped = {name: why for name, why in draw(run).items() if why}
    assert skipped == {
        "confident_mistakes": "the model makes no mistake on the test set",
        "activation_maps": "there is no example that the network is right about",
    }


def test_probabilities_that_are_no_numbers_have_no_calibration(run, draw):
    scored_model().write(run)
    Predictions(np.full((4, 3), np.nan), np.zeros(4, dtype=np.int64)).write(run.test_predictions)
    said = draw(run)["calibration"]
    assert said == "the model's outputs on the test set are not all numbers"


def test_pictures_need_no_torch():
    script = "import sys, hpo_torch.plots.model_pictures; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
