"""What people need beside the best model's weights, made when the study ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.results.model_card import TrainedOn, write_model_card
from hpo_torch.results.summary import RunView

if TYPE_CHECKING:
    from hpo_torch.results.run_directory import RunDirectory
    from hpo_torch.study.plan import StudyPlan


def complete_best_model(plan: StudyPlan, run: RunDirectory) -> None:
    """Write the model card and a text model's tokenizer, if the winner has been scored.

    Both are made anew each time: a process that died here is repeated from here.

    Raises:
        OutputError: A file cannot be written.
    """
    if not (run.best_checkpoint.exists() and run.test_report.exists()):
        return
    if plan.dataset.kind == "text":
        from hpo_torch.inference.tokenizer_file import write_tokenizer
        from hpo_torch.training.saved_models import input_spec

        write_tokenizer(input_spec(run.best_checkpoint), run.best_model_dir)
    trained_on = TrainedOn(
        dataset=plan.dataset.name,
        source=plan.dataset.source,
        kind=plan.dataset.kind,
        shape=plan.facts.input_shape,
        sizes=plan.facts.sizes,
    )
    write_model_card(RunView(run), trained_on)
