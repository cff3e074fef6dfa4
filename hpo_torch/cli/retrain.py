"""`hpo-torch retrain`: train one trial of a run again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpo_torch.cli.results import find_run


def retrain(
    run: Annotated[str, typer.Argument(help="A run's folder, or its name in the runs' folder.")],
    trial: Annotated[
        int, typer.Option(help="Number of the trial: `hpo-torch show RUN --trials`.", min=0)
    ],
    seed: Annotated[
        int | None,
        typer.Option(
            help="Seed of this training (default: the trial's own, which repeats it).",
            show_default=False,
            min=0,
            max=2**32 - 1,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(help="Most epochs (default: the trial's own).", show_default=False, min=1),
    ] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option(help="Folder of the new folder (default: RUN/retrained).", show_default=False),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="The new folder's name (default: trial and seed).", show_default=False),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            help="auto, cpu, cuda, cuda:N or mps (default: the run's).", show_default=False
        ),
    ] = None,
    data_dir: Annotated[
        str | None,
        typer.Option(help="Folder of data files (default: the run's).", show_default=False),
    ] = None,
    data_path: Annotated[
        str | None, typer.Option(help="Own data (default: the run's).", show_default=False)
    ] = None,
    score_test: Annotated[
        bool,
        typer.Option(
            "--score-test",
            help="Score the model on the official test set, which is for the winner, once.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print events and the comparison as JSON lines.")
    ] = False,
) -> None:
    """Train one trial of a run again, and compare.

    Hyperparameters and data split are the trial's. With the trial's own seed, on the same machine
    (device, threads, precision, versions), the figures are the same bit for bit.
    """
    from hpo_torch.cli.retraining import run_retraining
    from hpo_torch.study.retrain import Wanted

    settings = {"execution.device": device, "data.dir": data_dir, "data.path": data_path}
    wanted = Wanted(
        trial=trial,
        seed=seed,
        epochs=epochs,
        root=output_dir,
        name=name,
        settings={key: value for key, value in settings.items() if value is not None},
        score_test=score_test,
    )
    run_retraining(find_run(run, None), wanted, as_json=as_json)
