"""`hpo-torch resume`: go on with a run."""

from __future__ import annotations

from typing import Annotated

import typer

from hpo_torch.cli.results import OutputDir, find_run


def resume(
    run: Annotated[str, typer.Argument(help="A run's folder, or its name in --output-dir.")],
    trials: Annotated[
        int | None, typer.Option(help="Trials in all, if more are wanted.", show_default=False)
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(help="Seconds for the whole search, those used included.", show_default=False),
    ] = None,
    confirm: Annotated[
        int | None,
        typer.Option(
            help="Best trials to train again on fresh seeds before the winner is named.",
            show_default=False,
        ),
    ] = None,
    jobs: Annotated[int | None, typer.Option(help="Trials at once.", show_default=False)] = None,
    backend: Annotated[
        str | None,
        typer.Option(help="Where trials run from now on.", show_default=False),
    ] = None,
    max_cost: Annotated[
        float | None,
        typer.Option(
            help="USD that the run may cost at most, those spent included.", show_default=False
        ),
    ] = None,
    fallback: Annotated[
        str | None,
        typer.Option(
            help="Where trials go on once a remote backend fails: local or none.",
            show_default=False,
        ),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(help="Id of the endpoint that runs the trials.", show_default=False),
    ] = None,
    gpu_tier: Annotated[
        str | None, typer.Option(help="A class of GPUs, or auto.", show_default=False)
    ] = None,
    queue_timeout: Annotated[
        float | None,
        typer.Option(help="Seconds for a worker to take a job.", show_default=False),
    ] = None,
    output_dir: OutputDir = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print events as JSON lines instead of text.")
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Print nothing but the run's folder and errors."),
    ] = False,
) -> None:
    """Go on with a run that was interrupted, killed, or is wanted to have more trials.

    Trials that were in training go on from their last finished epoch.
    """
    from hpo_torch.cli.run import resume_search

    options = {
        "search.trials": trials,
        "search.timeout": timeout,
        "search.confirm": confirm,
        "execution.jobs": jobs,
        "execution.backend": backend,
        "execution.remote.max_cost": max_cost,
        "execution.fallback": fallback,
        "execution.remote.endpoint": endpoint,
        "execution.remote.gpu_tier": gpu_tier,
        "execution.remote.queue_timeout": queue_timeout,
    }
    changes = {name: value for name, value in options.items() if value is not None}
    resume_search(find_run(run, output_dir), changes, as_json=as_json, quiet=quiet)
