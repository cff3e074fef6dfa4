"""The pictures of the model in best_model/: which there are, and what each is drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hpo_torch.plots.model import confusion_matrix
from hpo_torch.plots.picture import NothingToDrawError, Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hpo_torch.plots.picture import Subject


def _confusion(subject: Subject) -> Figure:
    report = subject.view.test_report
    if report is None:
        raise NothingToDrawError("no model was scored on the test set")
    return confusion_matrix(report)


MODEL_PICTURES: Final = (
    Picture(
        name="confusion_matrix",
        summary="which classes the best model takes for others on the test set",
        of="model",
        draw=_confusion,
    ),
)
