"""`hpo-torch runpod`: endpoints on RunPod, what they do, and what they cost."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from hpo_torch.plugin_api import (
    HpoTorchError,
    InvalidValueError,
    MissingDependencyError,
    UsageError,
)
from hpo_torch.plugin_cli import AsJson, OutputDir, agreed, print_json, print_table, say, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpo_torch_runpod.deploy import Step, Wanted
    from hpo_torch_runpod.prices import Prices
    from hpo_torch_runpod.rest_api import RestApi
    from hpo_torch_runpod.teardown import Leftovers

app = typer.Typer(no_args_is_help=True)

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command()
def deploy(  # noqa: PLR0913, PLR0917
    image: Annotated[
        str, typer.Option(help="Image of the worker, with a tag: REGISTRY/NAME:VERSION.")
    ],
    tier: Annotated[
        list[str] | None,
        typer.Option(help="GPU tier; may be repeated. [the cheapest]", show_default=False),
    ] = None,
    workers_max: Annotated[int, typer.Option(min=1, help="Workers of each tier at once.")] = 3,
    idle_timeout: Annotated[
        int, typer.Option(min=1, max=3600, help="Seconds that a worker waits for more, billed.")
    ] = 5,
    volume: Annotated[
        str | None, typer.Option(help="Id of a network volume, for data and training states.")
    ] = None,
    registry: Annotated[
        str | None, typer.Option(help="Id of RunPod's credentials for a private registry.")
    ] = None,
    bucket_keys: Annotated[
        bool, typer.Option("--bucket-keys", help="Give workers BUCKET_... of this environment.")
    ] = False,
    env: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE for the workers; may be repeated.", show_default=False),
    ] = None,
    yes: Yes = False,
) -> None:
    """Make one endpoint per GPU tier, or bring it up to date; says the cost, and asks before.

    Prints the configuration that uses them: `hpo-torch runpod deploy ... > runpod.yaml`, then
    `hpo-torch optimize --config runpod.yaml ...`.
    """
    from hpo_torch_runpod.deploy import Wanted, check_image, plan
    from hpo_torch_runpod.prices import current_prices

    wanted = Wanted(
        image=image,
        workers_max=workers_max,
        idle_timeout=idle_timeout,
        volume=volume,
        registry=registry,
        environment=_environment(env or [], bucket_keys=bucket_keys),
    )
    check_image(image)
    api = _api()
    prices = current_prices(api)
    cheapest = min(prices.tiers.values(), key=lambda each: (each.per_second, each.tier))
    steps = plan(tier or [cheapest.tier], wanted, prices, api.endpoints())
    _say_plan(steps, wanted, prices)
    if any(step.content for step in steps) and not (yes or agreed("Do this?", "runpod deploy")):
        say("nothing was changed")
        raise typer.Exit(1)
    _carry_out(steps, api)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show the endpoints with their workers and queues, and pods that cost money."""
    from hpo_torch_runpod import status_report
    from hpo_torch_runpod.prices import current_prices
    from hpo_torch_runpod.teardown import leftovers

    api = _api()
    prices = current_prices(api)
    endpoints = status_report.endpoint_statuses(api, prices, _named_endpoint())
    pods = leftovers(api).pods
    if as_json:
        print_json(
            {
                "endpoints": [each.record() for each in endpoints],
                "pods": [{"id": pod["id"], "name": pod.get("name")} for pod in pods],
                "price_source": prices.source,
            }
        )
        return
    if endpoints:
        rows = [each.row() for each in endpoints]
        title = f"Endpoints (prices: {prices.source})"
        print_table(title, status_report.COLUMNS, rows, numeric=status_report.NUMERIC)
    else:
        say("hpo-torch has no endpoint on RunPod; make one: hpo-torch runpod deploy")
    for pod in pods:
        warn(f"pod {pod.get('name')} ({pod['id']}) runs and costs money until it is terminated")


@app.command()
def logs(
    endpoint: Annotated[
        str | None,
        typer.Argument(help="Id of an endpoint. [the only one of hpo-torch]", show_default=False),
    ] = None,
    worker: Annotated[
        str | None, typer.Option(help="Only this worker's. [all, one after another]")
    ] = None,
    tail: Annotated[int, typer.Option(min=0, max=5000, help="Lines from before.")] = 100,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes; one worker only.")
    ] = False,
) -> None:
    """Print what workers that there are now have logged.

    RunPod's API has no logs of workers that have ended: the console keeps them for 90 days.
    """
    from hpo_torch_runpod.worker_logs import print_logs

    api = _api()
    print_logs(api, endpoint or _only_endpoint(api), worker, tail=tail, follow=follow)


@app.command()
def teardown(yes: Yes = False) -> None:
    """Delete all endpoints that `deploy` has made, and hpo-torch's pods; asks before it does."""
    from hpo_torch_runpod.teardown import leftovers, remove

    api = _api()
    found = leftovers(api)
    if not found:
        say("hpo-torch has nothing on RunPod")
        return
    _say_leftovers(found)
    if not (yes or agreed("Delete all of this?", "runpod teardown")):
        say("nothing was removed")
        raise typer.Exit(1)
    remove(found, api, say)
    left = leftovers(api)
    if left:
        _say_leftovers(left)
        raise HpoTorchError(
            "not everything could be removed. Run 'hpo-torch runpod teardown' again, or remove it "
            "at https://console.runpod.io: pods cost money as long as they are there."
        )


@app.command()
def costs(
    run: Annotated[str, typer.Argument(help="A run's folder, or its name in --output-dir.")],
    billed: Annotated[
        bool, typer.Option("--billed", help="Ask RunPod what it has billed, too.")
    ] = False,
    output_dir: OutputDir = None,
    as_json: AsJson = False,
) -> None:
    """Show what each trial of a run cost: between which bounds, and why."""
    from hpo_torch.plugin_cli import find_run, open_run, read_repetitions
    from hpo_torch_runpod import cost_report
    from hpo_torch_runpod.bills import bill_of
    from hpo_torch_runpod.ledger import read_ledger

    view = open_run(find_run(run, output_dir))
    ledger = read_ledger(view.directory.path / "backend" / "jobs.jsonl")
    report = cost_report.CostReport.of(view.trials, read_repetitions(view), ledger)
    bill = bill_of(report, _api()) if billed and report.trials else None
    if as_json:
        print_json({"run": view.name, **report.record(), "billed": bill and bill.record()})
        return
    if report.trials:
        title = f"{view.name} (prices: {', '.join(report.price_sources)})"
        print_table(title, cost_report.COLUMNS, report.rows(), numeric=cost_report.NUMERIC)
    else:
        say(f"no ended trial of {view.name} ran on rented hardware")
    for remark in report.remarks():
        say(remark)
    if bill is not None:
        say(bill.text())


def _api() -> RestApi:
    from hpo_torch_runpod.keys import api_key
    from hpo_torch_runpod.rest_api import RestApi

    if find_spec("tenacity") is None:
        raise MissingDependencyError("RunPod needs tenacity: pip install 'hpo-torch[runpod]'")
    return RestApi(api_key())


def _environment(given: Sequence[str], *, bucket_keys: bool) -> dict[str, str]:
    from hpo_torch_runpod.deploy import bucket_environment

    environment = bucket_environment() if bucket_keys else {}
    for each in given:
        name, equals, value = each.partition("=")
        if not (name.isidentifier() and equals):
            # What is wrong may be a secret without a name.
            given = f"{name}=..." if equals else "something without '='"
            raise InvalidValueError("--env", "NAME=VALUE", given)
        environment[name] = value
    return environment


def _say_plan(steps: Sequence[Step], wanted: Wanted, prices: Prices) -> None:
    from hpo_torch_runpod.deploy import hourly_limit
    from hpo_torch_runpod.prices import GIGABYTE

    if prices.problem:
        warn(f"prices are those of the {prices.source}: {prices.problem}")
    for step in steps:
        tier = prices.tiers[step.tier]
        say(
            f"{step.action} {step.name}: {tier.memory_bytes // GIGABYTE} GB, "
            f"${tier.per_second:.5f} a second = ${tier.per_hour:.2f} an hour for each worker, "
            f"at most {wanted.workers_max} workers"
        )
        for removed in step.removes:
            say(f"  takes away, as it was not asked for: {removed}")
    limit = hourly_limit((step.tier for step in steps), wanted.workers_max, prices)
    say(
        f"Workers run while there are jobs, and cost from start to stop: cold start, trials, and "
        f"{wanted.idle_timeout} s of waiting for more. Without jobs there is none, and nothing "
        f"to pay{'' if wanted.volume is None else ' but the network volume'}. All at work at once "
        f"cost ${limit:.2f} an hour. Prices: {prices.source}."
    )


def _carry_out(steps: Sequence[Step], api: RestApi) -> None:
    from hpo_torch_runpod.deploy import carry_out, config_snippet

    done: dict[str, str] = {}
    try:
        for step in steps:
            done[step.tier] = carry_out(step, api)
            say(f"{step.name}: {done[step.tier]}")
    except BaseException:
        if len(done) < len(steps):
            warn("not all endpoints are there: the same command again makes the rest")
        raise
    typer.echo(config_snippet(done), nl=False)


def _say_leftovers(found: Leftovers) -> None:
    for kind, records in (("endpoint", found.endpoints), ("pod", found.pods)):
        for record in records:
            say(f"{kind} {record.get('name')} ({record['id']})")


def _named_endpoint() -> str | None:
    from hpo_torch_runpod.keys import ENDPOINT_ID

    return os.environ.get(ENDPOINT_ID, "").strip() or None


def _only_endpoint(api: RestApi) -> str:
    from hpo_torch_runpod.teardown import leftovers

    named = _named_endpoint()
    if named is not None:
        return named
    ours = [str(record["id"]) for record in leftovers(api).endpoints]
    if len(ours) != 1:
        have = ", ".join(ours) or "none"
        raise UsageError(f"runpod logs: expected an endpoint's id, as hpo-torch has {have}.")
    return ours[0]
