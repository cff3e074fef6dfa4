"""`hpo-torch serve`: the REST API, its keys, and its description."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from hpo_torch.plugin_api import InvalidValueError, MissingDependencyError, UsageError
from hpo_torch.plugin_cli import AsJson, OutputDir, print_json, print_table, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hpo_torch_server.audit import AuditLog
    from hpo_torch_server.keys import KeyStore, Scope
    from hpo_torch_server.settings import ServerSettings


_PACKAGES: Final = ("fastapi", "limits", "sqlalchemy", "uvicorn", "websockets")

app = typer.Typer(invoke_without_command=True)
keys_app = typer.Typer(help="API keys: who may call, and what.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")

StateDir = Annotated[
    Path | None,
    typer.Option(help="Folder of the server's own files (default: .server in --output-dir)."),
]
Database = Annotated[
    str | None,
    typer.Option(
        help="Database of jobs, keys and audit log: postgresql://... (default: SQLite there).",
        envvar="HPO_TORCH_SERVER_DATABASE",
        show_envvar=True,
    ),
]


@app.callback()
def serve(  # noqa: PLR0913, PLR0917 - a command has many options
    context: typer.Context,
    host: Annotated[
        str, typer.Option(help="Where to listen; any but loopback demands API keys.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8000,
    jobs: Annotated[int, typer.Option(min=1, help="Runs at once; the others wait.")] = 1,
    cors: Annotated[
        list[str] | None,
        typer.Option(help="Origin of web pages that may call (https://...); repeatable."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="One more name under which the server is addressed; repeatable."),
    ] = None,
    rate_limit: Annotated[
        str, typer.Option(help="Requests of one address: 100/second, 2000/minute ...")
    ] = "100/second",
    quota_jobs: Annotated[
        int | None, typer.Option(min=1, help="Jobs that have not ended, of one owner.")
    ] = None,
    quota_trials: Annotated[int | None, typer.Option(min=1, help="Trials of these jobs.")] = None,
    quota_disk: Annotated[
        float | None, typer.Option(min=0.001, help="10^9 bytes of one owner's runs.")
    ] = None,
    output_dir: OutputDir = None,
    state_dir: StateDir = None,
    database: Database = None,
) -> None:
    """Serve the runs of a folder, and start new ones: a REST API at http://HOST:PORT/api/v1.

    On loopback no key is needed until one was made; any other host needs one.
    """
    if context.invoked_subcommand is not None:
        _check_nothing_given(context)
        return
    quotas = {
        "jobs": quota_jobs,
        "trials": quota_trials,
        "disk_bytes": None if quota_disk is None else round(quota_disk * 1e9),
    }
    settings = _settings(
        host=host,
        port=port,
        jobs=jobs,
        cors=cors or (),
        hosts=allow_host or (),
        rate_limit=rate_limit,
        quotas=quotas,
        **_places(output_dir, state_dir, database),
    )
    from hpo_torch_server.serving import run_server

    run_server(settings, say)


def _check_nothing_given(context: typer.Context) -> None:
    """Refuse options of the server before another command, which would not hear of them."""
    given = [
        f"--{name}".replace("_", "-")
        for name in context.params
        if (source := context.get_parameter_source(name)) and source.name == "COMMANDLINE"
    ]
    if given:
        command = context.invoked_subcommand
        raise UsageError(
            f"serve {command}: expected options behind the command, got {', '.join(given)} before "
            f"it; see `hpo-torch serve {command} --help`"
        )


@keys_app.command("add")
def keys_add(
    owner: Annotated[str, typer.Option(help="Whose jobs the key sees and starts.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="read, run (starts and controls jobs, too) or admin (everything). [run]",
            show_default=False,
        ),
    ] = None,
    expires: Annotated[
        int | None, typer.Option(min=1, help="Days until it does. [never]", show_default=False)
    ] = None,
    output_dir: OutputDir = None,
    state_dir: StateDir = None,
    database: Database = None,
) -> None:
    """Make an API key and print it, this once: only its hash is kept."""
    if not owner.strip() or not owner.isprintable():
        raise InvalidValueError("--owner", "a name", owner)
    end = None if expires is None else datetime.now(UTC) + timedelta(days=expires)
    with _opened(output_dir, state_dir, database) as (keys, audit):
        key, text = keys.add(owner, _scopes(scope or ["run"]), end)
        audit.write(None, "add key", f"{key.id} of {owner}: {' '.join(key.scopes)}", "done", "")
    until = "for good" if end is None else f"until {end:%Y-%m-%d %H:%M} UTC"
    say(f"key {key.id} of {owner} ({', '.join(key.scopes)}) is valid {until}; it is told only now:")
    typer.echo(text)


@keys_app.command("list")
def keys_list(
    output_dir: OutputDir = None,
    state_dir: StateDir = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """List the API keys, without their secrets."""
    with _opened(output_dir, state_dir, database) as (keys, _):
        rows = [
            {
                "id": key.id,
                "owner": key.owner,
                "scopes": list(key.scopes),
                "created": _time(key.created),
                "expires": _time(key.expires),
                "revoked": _time(key.revoked),
            }
            for key in keys.all()
        ]
    if as_json:
        print_json(rows)
        return
    shown = [[_shown(value) for value in row.values()] for row in rows]
    print_table("API keys", ("id", "owner", "scopes", "created", "expires", "revoked"), shown)


@keys_app.command("revoke")
def keys_revoke(
    key: Annotated[str, typer.Argument(help="Id of a key: the second part of hpt_ID_SECRET.")],
    output_dir: OutputDir = None,
    state_dir: StateDir = None,
    database: Database = None,
) -> None:
    """Make an API key useless, at once."""
    with _opened(output_dir, state_dir, database) as (keys, audit):
        if not keys.revoke(key):
            # Not what was given, which may be a whole key.
            raise UsageError(
                "there is no such key, or it was revoked before: expected an id of "
                "`hpo-torch serve keys list`, without hpt_ and secret"
            )
        audit.write(None, "revoke key", key, "done", "")
    say(f"key {key} is revoked")


@app.command()
def openapi() -> None:
    """Print the API's description, OpenAPI 3.1, as JSON."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        settings = _settings(output_dir=Path(folder))
        from hpo_torch_server.app import create_app

        made = create_app(settings)
        text = json.dumps(made.openapi(), indent=1, ensure_ascii=False)
        made.state.server.database.dispose()
    typer.echo(text)


def _places(
    output_dir: Path | None, state_dir: Path | None, database: str | None
) -> dict[str, Any]:
    """Return the settings that say where everything is."""
    from hpo_torch.plugin_runs import environment_layer, resolve_config

    default = Path(resolve_config([environment_layer()]).config.output.dir)
    places: dict[str, Any] = {"output_dir": (output_dir or default).expanduser()}
    if state_dir is not None:
        places["state_dir"] = state_dir.expanduser()
    return {**places, "database": database}


def _settings(**given: Any) -> ServerSettings:
    """Return the settings; raises InvalidValueError of a wrong one, MissingDependencyError."""
    for package in _PACKAGES:
        if find_spec(package) is None:
            raise MissingDependencyError(f"serve needs {package}: pip install 'hpo-torch[server]'")
    from pydantic import ValidationError

    from hpo_torch_server.settings import ServerSettings

    try:
        return ServerSettings(**given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        option = f"--{first['loc'][0]}".replace("_", "-")
        expected = first["msg"].removeprefix("Value error, ").removeprefix("expected ")
        raise InvalidValueError(option, expected, first["input"]) from None


@contextmanager
def _opened(
    output_dir: Path | None, state_dir: Path | None, database: str | None
) -> Iterator[tuple[KeyStore, AuditLog]]:
    settings = _settings(**_places(output_dir, state_dir, database))
    from hpo_torch_server.audit import AuditLog
    from hpo_torch_server.database import open_database
    from hpo_torch_server.keys import KeyStore

    def clock() -> datetime:
        return datetime.now(UTC)

    engine = open_database(settings.database_url)
    try:
        yield KeyStore(engine, clock), AuditLog(engine, clock)
    finally:
        engine.dispose()


def _scopes(given: list[str]) -> list[Scope]:
    """Return scopes in order; raises InvalidValueError of what is none."""
    from hpo_torch_server.keys import SCOPES

    for text in given:
        if text not in SCOPES:
            raise InvalidValueError("--scope", " or ".join(SCOPES), text)
    return [scope for scope in SCOPES if scope in given]


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else value or ""
