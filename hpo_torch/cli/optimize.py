"""`hpo-torch optimize`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hpo_torch.cli.settings import optimize_layers

SEARCH, TRAINING, RENTED = "What to search", "Training", "Rented GPUs"
RUNNING, SETTINGS = "Where it runs and what it leaves", "Settings"


def _option(text: str, panel: str, *names: str) -> Any:
    return typer.Option(*names, help=text, show_default=False, rich_help_panel=panel)


def optimize(
    dataset: Annotated[
        str | None, _option("Data set: `hpo-torch datasets list` (default: digits).", SEARCH)
    ] = None,
    data_path: Annotated[
        str | None, _option("Own data: a folder of images or a table of texts.", SEARCH)
    ] = None,
    text_column: Annotated[str | None, _option("Own table: the column of texts.", SEARCH)] = None,
    label_column: Annotated[str | None, _option("Own table: the column of labels.", SEARCH)] = None,
    skip_corrupt: Annotated[
        bool | None,
        _option(
            "Own data: leave unreadable files out instead of stopping.", SEARCH, "--skip-corrupt"
        ),
    ] = None,
    family: Annotated[
        str | None,
        _option(
            "Model family: cnn for images or lstm for texts (default: the one for the data).",
            SEARCH,
        ),
    ] = None,
    mode: Annotated[
        str | None,
        _option(
            "simple, health, constrained or pareto: `hpo-torch modes` (default: health).", SEARCH
        ),
    ] = None,
    optimize_for: Annotated[
        str | None, _option("Objective: `hpo-torch objectives` (default: val_accuracy).", SEARCH)
    ] = None,
    health_weight: Annotated[
        float | None, _option("Health's share of the score, 0..1 (default: 0.3).", SEARCH)
    ] = None,
    delta: Annotated[
        float | None,
        _option(
            "Modes constrained and pareto: how far below the best objective the healthiest may be "
            "(default: 0.01).",
            SEARCH,
        ),
    ] = None,
    health_weights_: Annotated[
        list[str] | None,
        _option(
            "NAME=VALUE,...: weights of health metrics in overall_health; repeatable.",
            SEARCH,
            "--health-weights",
        ),
    ] = None,
    health_combine: Annotated[
        str | None,
        _option(
            "How health metrics are combined: geometric, arithmetic or min (default: geometric).",
            SEARCH,
        ),
    ] = None,
    health_preset: Annotated[
        str | None,
        _option(
            "original: the original system's six-part health; the two options above change it.",
            SEARCH,
        ),
    ] = None,
    health_stop: Annotated[
        bool | None,
        _option(
            "Stop trials that their health shows to be hopeless (default: stop).",
            SEARCH,
            "--health-stop/--no-health-stop",
        ),
    ] = None,
    trials: Annotated[int | None, _option("Trials in all (default: 10).", SEARCH)] = None,
    timeout: Annotated[float | None, _option("Seconds for the whole search.", SEARCH)] = None,
    trial_timeout: Annotated[
        float | None, _option("Seconds for one trial; it has failed after that.", SEARCH)
    ] = None,
    max_failures: Annotated[
        int | None, _option("Failed trials in a row that end the search (default: 5).", SEARCH)
    ] = None,
    max_compute: Annotated[
        float | None,
        _option(
            "Most arithmetic an example, in times the default network's; costlier networks are "
            "left out.",
            SEARCH,
        ),
    ] = None,
    max_parameters: Annotated[
        int | None, _option("Most trainable parameters; larger networks are left out.", SEARCH)
    ] = None,
    max_memory: Annotated[
        float | None,
        _option("Most memory of a training step, 10^9 bytes; what needs more is left out.", SEARCH),
    ] = None,
    confirm: Annotated[
        int | None,
        _option("Best trials to train again on fresh seeds before the winner is named.", SEARCH),
    ] = None,
    confirm_seeds: Annotated[
        int | None, _option("Fresh seeds for each of them (default: 3).", SEARCH)
    ] = None,
    activation: Annotated[
        str | None,
        _option(
            "Force one activation everywhere in all trials: relu, tanh, swish, leaky_relu, elu, "
            "selu or gelu. An LSTM's gates stay as they are.",
            SEARCH,
        ),
    ] = None,
    fix: Annotated[
        list[str] | None,
        _option("NAME=VALUE: a hyperparameter not to be searched; repeatable.", SEARCH),
    ] = None,
    sampler: Annotated[
        str | None,
        _option(
            "How hyperparameters are chosen: `hpo-torch samplers`; options by --set "
            "search.sampler_options.KEY=VALUE (default: tpe).",
            SEARCH,
        ),
    ] = None,
    pruner: Annotated[
        str | None,
        _option(
            "How bad trials are stopped early: `hpo-torch pruners`; options by --set "
            "search.pruner_options.KEY=VALUE (default: median).",
            SEARCH,
        ),
    ] = None,
    enqueue: Annotated[
        Path | None,
        _option("YAML or JSON list of configurations that are trained first.", SEARCH),
    ] = None,
    warm_start: Annotated[
        Path | None,
        _option("Folder of an earlier run whose trials the sampler learns from.", SEARCH),
    ] = None,
    seed: Annotated[int | None, _option("Seed of everything random (default: 42).", SEARCH)] = None,
    epochs: Annotated[
        int | None, _option("Epochs of every trial; instead of the two below.", TRAINING)
    ] = None,
    min_epochs: Annotated[
        int | None, _option("Fewest epochs of a trial (default: 5).", TRAINING)
    ] = None,
    max_epochs: Annotated[
        int | None, _option("Most epochs of a trial (default: 20).", TRAINING)
    ] = None,
    backend: Annotated[
        str | None, _option("Where trials run: `hpo-torch backends list` (default: auto).", RUNNING)
    ] = None,
    device: Annotated[
        str | None, _option("auto, cpu, cuda, cuda:N or mps (default: auto).", RUNNING)
    ] = None,
    jobs: Annotated[int | None, _option("Trials at once (default: 1).", RUNNING)] = None,
    oversubscribe: Annotated[
        bool | None,
        _option(
            "Let trials share CUDA devices: more jobs than devices.", RUNNING, "--oversubscribe"
        ),
    ] = None,
    fallback: Annotated[
        str | None,
        _option(
            "Where trials go on once a remote backend fails: local or none (default: local with "
            "backend auto, none with one that is named).",
            RENTED,
        ),
    ] = None,
    endpoint: Annotated[
        str | None, _option("Id of the endpoint that runs the trials.", RENTED)
    ] = None,
    gpu_tier: Annotated[
        str | None,
        _option("A class of GPUs (default: auto, the cheapest that has memory enough).", RENTED),
    ] = None,
    max_cost: Annotated[
        float | None, _option("USD that the run may cost at most; no limit by default.", RENTED)
    ] = None,
    queue_timeout: Annotated[
        float | None, _option("Seconds for a worker to take a job (default: 300).", RENTED)
    ] = None,
    trials_per_job: Annotated[
        int | None,
        _option("Trials that share a job, and so its cold start (default: 1).", RENTED),
    ] = None,
    bucket: Annotated[
        str | None,
        _option("s3://bucket/prefix for what is too large to be sent with a job.", RENTED),
    ] = None,
    storage: Annotated[
        str | None,
        _option(
            "A database (postgresql://...) through which several engines work on one study.",
            RUNNING,
        ),
    ] = None,
    data_dir: Annotated[
        str | None, _option("Folder of data files (default: a per-user cache).", RUNNING)
    ] = None,
    output_dir: Annotated[
        str | None, _option("Folder of all runs (default: runs).", RUNNING)
    ] = None,
    name: Annotated[
        str | None, _option("The run's name (default: time, data set and mode).", RUNNING)
    ] = None,
    plots: Annotated[
        str | None,
        _option("Learning curves of trials: all, best or none (default: best).", RUNNING),
    ] = None,
    tensorboard: Annotated[
        bool | None,
        _option("Write TensorBoard's logs into the run's folder.", RUNNING, "--tensorboard"),
    ] = None,
    preset: Annotated[
        str | None, _option("A preset: `hpo-torch config presets`.", SETTINGS)
    ] = None,
    config: Annotated[
        Path | None, _option("A YAML file of settings; a run's config.yaml repeats it.", SETTINGS)
    ] = None,
    set_: Annotated[
        list[str] | None,
        _option("SECTION.KEY=VALUE: any setting (`hpo-torch config show`).", SETTINGS, "--set"),
    ] = None,
    as_json: Annotated[
        bool, _option("Print events as JSON lines instead of text.", SETTINGS, "--json")
    ] = False,
    quiet: Annotated[
        bool, _option("Print nothing but the run's folder and errors.", SETTINGS, "--quiet", "-q")
    ] = False,
) -> None:
    """Search hyperparameters of a network for a data set.

    Settings are taken from defaults, preset, file, HPO_TORCH_* environment and options, each over
    the one before.
    """
    given = dict(locals())  # the options and nothing else yet
    from hpo_torch.cli.run import run_search

    run_search(optimize_layers(given), as_json=as_json, quiet=quiet)
