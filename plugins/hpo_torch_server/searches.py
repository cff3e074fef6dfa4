"""From a request to the settings of a run, and what a caller may not set."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from hpo_torch.plugin_api import UsageError, replacing
from hpo_torch.plugin_runs import (
    Layer,
    environment_layer,
    flatten,
    installed_registry,
    option_values,
    precheck,
    preset_layer,
    resolve_config,
    without_password,
)
from hpo_torch_server.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from hpo_torch.plugin_runs import Outlook, ResolvedConfig, RunConfig
    from hpo_torch_server.context import Server
    from hpo_torch_server.identity import Caller
    from hpo_torch_server.routes.models_searches import SearchRequest

ORIGIN: Final = "request"
GUARDED: Final = (
    "data.dir",
    "data.path",
    "search.enqueue",
    "execution.storage",
    "output.loggers",
)
"""Settings that name files and databases of the server's machine, or programs to load: they are
scope admin's."""
_NAMED: Final = ("dataset", "mode", "optimize_for", "trials", "health_weight")


def read_search(
    request: SearchRequest,
    caller: Caller,
    folder: Path,
    run_of: Callable[[str], Path | None],
) -> ResolvedConfig:
    """Resolve a request's settings.

    Args:
        request: What was sent.
        caller: Who sent it.
        folder: Where queued configurations become a file.
        run_of: Returns the folder of a job that the caller may see, None where there is none: a
            search may learn from it.

    Raises:
        UsageError: A setting names or asks for what does not exist.
        Problem: 403: the caller may not set something. 400: nobody may.
    """
    values = _values(request)
    _check_allowed(values, caller)
    _check_storage(values)
    _find_earlier_run(values, caller, run_of)
    if request.enqueue:
        values["search.enqueue"] = str(keep_queue(request.enqueue, folder))
    layers = [] if request.preset is None else [preset_layer(request.preset)]
    return resolve_config([*layers, environment_layer(), Layer(ORIGIN, values)])


def run_finder(server: Server, caller: Caller) -> Callable[[str], Path | None]:
    """Return the argument `run_of` of `read_search`."""

    def run_of(job_id: str) -> Path | None:
        row = server.jobs.get(job_id)
        return row.run if row is not None and caller.sees in (None, row.owner) else None

    return run_of


def check_search(config: RunConfig) -> Outlook:
    """Check settings as far as that is light, and return what they come to.

    Raises:
        UsageError: They cannot be run so.
    """
    try:
        return precheck(config, installed_registry())
    except UsageError as error:
        if config.search.enqueue is None or config.search.enqueue not in str(error):
            raise
        # Where the server keeps it is of no interest.
        raise UsageError(str(error).replace(config.search.enqueue, "enqueue")) from error


def queue_folder(server: Server) -> Path:
    """Return where jobs' queued configurations are."""
    return server.settings.state_dir / "queues"


def keep_queue(configurations: Iterable[Mapping[str, Any]], folder: Path) -> Path:
    """Write configurations to be trained first into a file; the same ones have the same file.

    Raises:
        OutputError: It cannot be written.
    """
    text = json.dumps(list(configurations), indent=1, sort_keys=True)
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"
    if not path.exists():
        with replacing(path) as file:
            file.write(text.encode())
    return path


def request_hash(request: SearchRequest) -> str:
    """Return what tells two requests apart that came with the same Idempotency-Key."""
    text = json.dumps(request.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _values(request: SearchRequest) -> dict[str, Any]:
    named = {name: getattr(request, name) for name in _NAMED}
    if request.dataset_name is not None:
        if request.dataset not in (None, request.dataset_name):
            raise UsageError("dataset and dataset_name are the same setting; leave one of them out")
        named["dataset"] = request.dataset_name
    given = {name: value for name, value in named.items() if value is not None}
    return {**flatten(request.settings), **option_values({**request.options, **given})}


def _check_allowed(values: Mapping[str, Any], caller: Caller) -> None:
    for name in ("output.dir", "output.name"):
        if values.get(name) is not None:
            advice = "the server chooses" if name == "output.dir" else "give it as 'name'"
            raise Problem(400, "", f"{name} cannot be set here: {advice}", "server-setting")
    guarded = sorted({whole for name in values if (whole := _guarded(name)) is not None})
    if guarded and not caller.may("admin"):
        detail = (
            f"{', '.join(guarded)}: expected a key with scope admin, as this names files, databases"
            f" or programs of the server's machine; got one with {', '.join(sorted(caller.scopes))}"
        )
        raise Problem(403, "", detail, "scope")


def _find_earlier_run(
    values: dict[str, Any], caller: Caller, run_of: Callable[[str], Path | None]
) -> None:
    """Turn the id of a job into its run's folder; other folders are scope admin's."""
    given = values.get("search.warm_start")
    if not isinstance(given, str):
        return
    run = run_of(given)
    if run is not None:
        values["search.warm_start"] = str(run)
    elif not caller.may("admin"):
        detail = f"search.warm_start: expected the id of a job of yours, got {given!r}"
        raise Problem(400, "", detail, "no-job")


def _guarded(name: str) -> str | None:
    return next((whole for whole in GUARDED if name == whole or name.startswith(whole + ".")), None)


def _check_storage(values: Mapping[str, Any]) -> None:
    url = values.get("execution.storage")
    if isinstance(url, str) and without_password(url) != url:
        detail = (
            "execution.storage: expected a URL without a password, which must not be stored; the "
            f"server takes it from PGPASSWORD or ~/.pgpass. Got one in {without_password(url)}"
        )
        raise Problem(400, "", detail, "password")
