"""The `hpo-torch` program: all commands, and the one place where errors become exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, Final

import typer

from hpo_torch import __version__
from hpo_torch.cli import listings, results
from hpo_torch.cli.archive import export, import_
from hpo_torch.cli.compare import compare
from hpo_torch.cli.config import config_app
from hpo_torch.cli.console import INTERRUPTED, fail, warn
from hpo_torch.cli.enqueue import enqueue
from hpo_torch.cli.evaluate import evaluate
from hpo_torch.cli.export_model import export_model
from hpo_torch.cli.health import health
from hpo_torch.cli.methods import pruners, samplers
from hpo_torch.cli.optimize import optimize
from hpo_torch.cli.plot import plot
from hpo_torch.cli.predict import predict
from hpo_torch.cli.remove import rm
from hpo_torch.cli.report import report
from hpo_torch.cli.resume import resume
from hpo_torch.cli.retrain import retrain
from hpo_torch.cli.space import space
from hpo_torch.cli.watch import watch
from hpo_torch.errors import HpoTorchError
from hpo_torch.hooks.registry import installed_registry

_COMMANDS: Final[tuple[Callable[..., None], ...]] = (
    optimize,
    resume,
    enqueue,
    retrain,
    results.show,
    results.runs,
    compare,
    watch,
    export,
    rm,
    health,
    plot,
    report,
    predict,
    evaluate,
    export_model,
    listings.objectives,
    listings.modes,
    samplers,
    pruners,
    space,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"hpo-torch {__version__}\n")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Search hyperparameters of neural networks, and measure how healthy the winner is."""


def build_app() -> typer.Typer:
    """Assemble the program from its own command groups and those of plugins."""
    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for command in _COMMANDS:
        app.command()(command)
    app.command("import")(import_)  # its name is a keyword of Python
    app.add_typer(listings.datasets_app, name="datasets")
    app.add_typer(listings.backends_app, name="backends")
    app.add_typer(listings.plugins_app, name="plugins")
    app.add_typer(config_app, name="config")
    commands = installed_registry().commands
    for spec in commands:
        app.add_typer(commands.load(spec.name), name=spec.name, help=spec.summary)
    return app


def main() -> None:
    """Run the program; every HpoTorchError becomes one message and its exit code."""
    try:
        app = build_app()
        for warning in installed_registry().plugins.warnings:
            warn(warning)
        app()
    except HpoTorchError as error:
        fail(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        fail("interrupted")
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
