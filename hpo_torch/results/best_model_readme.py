"""The README that lies next to the best model's weights: whose they are, and how to load them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.results.records import TrialResult

_SECTION: Final = "\n## "

_HEAD: Final = """\
# The best model of this run

{story}
"""

_BODY: Final = """\

## How to load it

{loading}
This is the best model so far: what is known of it is added when the search has ended.
"""

_LOADING: Final = """\
```python
import hpo_torch

model = hpo_torch.load_model(".")  # this folder, or the run's
predictions = model.predict({inputs})
```

{explained}
`predictions[0].label` is the most probable class, `predictions[0].top(3)` are three with their
probabilities, `model.class_names` all of them. On the command line: `hpo-torch predict`.
"""

_INPUTS: Final[Mapping[str, tuple[str, str]]] = {
    "cnn": (
        '["image.png"]',
        "Images may be paths, Pillow images, or uint8 pixels of any size; they are resized to the "
        "network's.",
    ),
    "lstm": ('["a text"]', "Texts are strings, as they are."),
}

_SEARCHED: Final = """\
{}: the very weights that were
scored, not a retrained model."""


def best_model_readme(trial: TrialResult, story: str = "") -> str:
    """Return the text, in Markdown, as it is before the model is scored.

    Args:
        trial: The one whose weights are kept.
        story: How they came to be, if not by the search alone.
    """
    return best_model_head(trial, story) + _BODY.format(loading=how_to_load(trial.family))


def best_model_head(trial: TrialResult, story: str = "") -> str:
    """Return its beginning, which tells whose weights these are; arguments as above."""
    return _HEAD.format(story=story or _SEARCHED.format(weights_of(trial)))


def head_of(readme: str) -> str:
    """Return the beginning of a README: all before its first section."""
    return readme.partition(_SECTION)[0]


def weights_of(trial: TrialResult) -> str:
    """Say which weights these are."""
    score = "none" if trial.score is None else f"{trial.score:.4f}"
    epoch = "unknown" if trial.kept_epoch is None else trial.kept_epoch
    return f"The weights are those of trial {trial.trial}, epoch {epoch}, score {score}"


def how_to_load(family: str) -> str:
    """Return, in Markdown, Python lines that load and ask a model of a family, and what they do."""
    inputs, explained = _INPUTS[family]
    return _LOADING.format(inputs=inputs, explained=explained)
