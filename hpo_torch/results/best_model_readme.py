"""The README that lies next to the best model's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.results.records import TrialResult

_TEXT = """\
# The best model of this run

{story}

| file | content |
|---|---|
| `model.ckpt` | a Lightning checkpoint: the weights, and all that is needed to build the network |
| `hyperparameters.yaml` | model family and every hyperparameter that trained it |
| `labels.json` | the classes' names, in the order of the network's outputs |
| `test_report.json` | accuracy and confusion matrix on the official test set, scored once |

The last two appear when the study has ended.

## How to load it

```python
{loading}
with torch.inference_mode():
    names = [model.hparams["class_names"][index] for index in model(inputs).argmax(1)]
```
"""

_IMAGES = """\
import torch
from hpo_torch.training.lightning_module import Classifier

model = Classifier.load_from_checkpoint("model.ckpt", map_location="cpu").eval()
mean = torch.tensor(model.hparams["input_spec"]["mean"]).view(-1, 1, 1)
deviation = torch.tensor(model.hparams["input_spec"]["std"]).view(-1, 1, 1)

# images: uint8 [N, C, H, W], in the data set's own size and channel order
inputs = (images.float() / 255 - mean) / deviation.where(deviation > 0, 1)"""

_TEXTS = """\
import torch
from hpo_torch.data.text_inputs import text_inputs
from hpo_torch.training.lightning_module import Classifier

model = Classifier.load_from_checkpoint("model.ckpt", map_location="cpu").eval()

# texts: a list of str, as they are; the vocabulary is in the checkpoint
inputs = text_inputs(texts, model.hparams["input_spec"])"""

_SEARCHED = """\
{}: the very weights that were
scored, not a retrained model."""

_LOADING: Final[Mapping[str, str]] = {"cnn": _IMAGES, "lstm": _TEXTS}


def best_model_readme(trial: TrialResult, story: str = "") -> str:
    """Return the text, in Markdown.

    Args:
        trial: The one whose weights are kept.
        story: How they came to be, if not by the search alone.
    """
    return _TEXT.format(
        story=story or _SEARCHED.format(weights_of(trial)), loading=how_to_load(trial)
    )


def weights_of(trial: TrialResult) -> str:
    """Say which weights these are."""
    score = "none" if trial.score is None else f"{trial.score:.4f}"
    epoch = "unknown" if trial.kept_epoch is None else trial.kept_epoch
    return f"The weights are those of trial {trial.trial}, epoch {epoch}, score {score}"


def how_to_load(trial: TrialResult) -> str:
    """Return Python lines from model.ckpt to `inputs` for its network."""
    return _LOADING[trial.family]
