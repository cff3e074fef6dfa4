from __future__ import annotations

import json
import sys
from dataclasses import dataclass

import pytest
import typer
import yaml

from hpo_torch import __version__
from hpo_torch.cli import app as program
from hpo_torch.config.schema import RunConfig
from hpo_torch.protocol.usage import RemoteUsage
from hpo_torch.results.records import TrialResult
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.testing.runpod_standin import Endpoint, Fault
from hpo_torch_runpod import cli as commands
from hpo_torch_runpod.ledger import Ledger, Settled
from hpo_torch_runpod.rest_api import RestApi

IMAGE = f"ghcr.io/me/hpo-torch:{__version__}"
DEPLOY = ("deploy", "--image", IMAGE, "--tier", "ADA_24")


@dataclass
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)


@pytest.fixture
def cli(monkeypatch, capsys, tmp_path):
    """Run `hpo-torch runpod ARGUMENTS` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")
    app = typer.Typer()
    app.add_typer(commands.app, name="runpod")
    app.command()(lambda: None)  # a program of one command has no names of commands
    monkeypatch.setattr(program, "build_app", lambda: app)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["hpo-torch", "runpod", *arguments])
        code = 0
        try:
            program.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def answer(monkeypatch):
    """Sit at a terminal and answer."""

    def give(text):
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr("typer.confirm", lambda *_, **__: text == "y")

    return give


def test_deploy_says_the_cost_and_prints_the_configuration(cli, standin):
    result = cli(*DEPLOY, "--tier", "AMPERE_48", "--workers-max", "2", "--yes")
    assert result.code == 0, result.err
    made = {each.gpu_pool: each.id for each in standin.endpoints}
    assert yaml.safe_load(result.out)["execution"]["remote"]["endpoints"] == made
    assert f"make hpo-torch-{__version__}-ADA_24: 24 GB, $0.00031 a second = $1.12 an" in result.err
    # (0.00031 + 0.00034) x 3600 x 2 = 4.68
    assert "All at work at once cost $4.68 an hour. Prices: catalog 20" in result.err


def test_deploy_again_changes_nothing_and_asks_nothing(cli, standin, monkeypatch):
    first = cli(*DEPLOY, "--yes")
    monkeypatch.setattr("hpo_torch_runpod.deploy._covers", lambda *_: True)
    again = cli(*DEPLOY)
    assert (again.code, again.out) == (0, first.out)
    assert f"keep hpo-torch-{__version__}-ADA_24" in again.err
    assert len(standin.endpoints) == 1


def test_deploy_asks_and_takes_no_for_an_answer(cli, standin, answer):
    assert cli(*DEPLOY).code == 2  # nobody can be asked
    answer("n")
    result = cli(*DEPLOY)
    assert (result.code, result.out) == (1, "")
    assert "nothing was changed" in result.err
    assert standin.endpoints == []
    answer("y")
    assert cli(*DEPLOY).code == 0
    assert len(standin.endpoints) == 1


def test_deploy_says_what_it_takes_away(cli, standin):
    assert cli(*DEPLOY, "--env", "OLD=secret", "--volume", "vol-1", "--yes").code == 0
    result = cli(*DEPLOY, "--yes")
    assert "takes away, as it was not asked for: variable OLD" in result.err
    assert "takes away, as it was not asked for: volume vol-1" in result.err
    assert "secret" not in result.err
    (made,) = standin.endpoints
    assert "OLD" not in made.env


def test_deploy_without_a_tier_takes_the_cheapest(cli, standin):
    assert cli("deploy", "--image", IMAGE, "--yes").code == 0
    assert [each.gpu_pool for each in standin.endpoints] == ["AMPERE_16"]


def test_deploy_hands_on_environment_and_never_shows_it(cli, standin, monkeypatch):
    monkeypatch.setenv("BUCKET_ACCESS_KEY_ID", "bucket-name")
    monkeypatch.setenv("BUCKET_SECRET_ACCESS_KEY", "bucket-secret")
    result = cli(*DEPLOY, "--env", "TOKEN=token=secret", "--bucket-keys", "--yes")
    assert result.code == 0
    (made,) = standin.endpoints
    assert made.env["TOKEN"] == "token=secret"
    assert made.env["BUCKET_SECRET_ACCESS_KEY"] == "bucket-secret"
    for secret in ("token=secret", "bucket-secret", standin.api_key):
        assert secret not in result.out + result.err


@pytest.mark.parametrize("given", ["TOKEN", "=secret", "A-B=secret"])
def test_deploy_refuses_an_environment_that_is_none(cli, standin, given):
    result = cli(*DEPLOY, "--env", given, "--yes")
    assert (result.code, "expected NAME=VALUE" in result.err) == (2, True)
    assert "secret" not in result.err


def test_deploy_of_an_unknown_tier(cli, standin):
    result = cli("deploy", "--image", IMAGE, "--tier", "ADA24", "--yes")
    assert (result.code, "Did you mean 'ADA_24'" in result.err) == (2, True)


def test_deploy_that_fails_half_way_says_how_to_go_on(cli, standin):
    standin.faults.add(Fault(place="manage", kind="answer", status=400, nth=4))
    result = cli(*DEPLOY, "--tier", "AMPERE_48", "--yes")
    assert result.code == 1
    assert "the same command again makes the rest" in result.err
    assert len(standin.endpoints) == 1


def test_status_shows_workers_queue_price_and_pods(cli, standin):
    cli(*DEPLOY, "--yes")
    standin._account.create_pod("hpo-torch-study", IMAGE)
    result = cli("status")
    assert result.code == 0
    for part in (standin.endpoints[0].id, "ADA_24", __version__, "none", "5 s", "$0.00031"):
        assert part in result.out
    assert "pod hpo-torch-study" in result.err
    record = json.loads(cli("status", "--json").out)
    assert record["endpoints"][0]["facts"]["tier"] == "ADA_24"
    assert record["endpoints"][0]["queued"] == 0
    assert [pod["name"] for pod in record["pods"]] == ["hpo-torch-study"]


def test_status_of_nothing(cli, standin):
    result = cli("status")
    assert (result.code, "hpo-torch runpod deploy" in result.err) == (0, True)


def test_status_shows_the_endpoint_of_the_environment(cli, standin, monkeypatch):
    standin.add_endpoint(Endpoint(id="theirs", name="theirs"))
    standin.add_endpoint(Endpoint(id="another", name="another"))
    monkeypatch.setenv("RUNPOD_ENDPOINT_ID", "theirs")
    record = json.loads(cli("status", "--json").out)
    assert [each["facts"]["endpoint"] for each in record["endpoints"]] == ["theirs"]


def test_teardown_leaves_nothing_behind(cli, standin):
    cli(*DEPLOY, "--yes")
    standin._account.create_pod("hpo-torch-study", IMAGE)
    assert cli("teardown").code == 2  # nobody can be asked
    result = cli("teardown", "--yes")
    assert result.code == 0
    assert "removed: endpoint" in result.err
    assert "removed: pod hpo-torch-study" in result.err
    assert (standin.endpoints, standin.pods) == ([], [])
    assert "hpo-torch has nothing on RunPod" in cli("teardown").err


def test_teardown_that_cannot_remove_everything_says_so(cli, standin):
    cli(*DEPLOY, "--yes")
    # Of its requests the third is the first that changes something: the list of endpoints, of pods.
    standin.faults.add(Fault(place="manage", kind="answer", status=400, nth=3, times=2))
    result = cli("teardown", "--yes")
    assert result.code == 1
    assert "not everything could be removed" in result.err


def test_logs_of_every_worker(cli, standin, monkeypatch):
    monkeypatch.setattr(RestApi, "workers", lambda *_: [{"id": "w1"}, {"id": "w2"}])
    monkeypatch.setattr(
        RestApi, "worker_log", lambda _, endpoint, worker, **__: [f"{endpoint} {worker} says"]
    )
    result = cli("logs", "ep")
    assert (result.code, result.out) == (0, "ep w1 says\nep w2 says\n")
    assert cli("logs", "ep", "--worker", "w2").out == "ep w2 says\n"
    assert cli("logs", "ep", "--worker", "w3").code == 2
    assert "expected one --worker" in cli("logs", "ep", "--follow").err


def test_logs_without_workers_say_where_earlier_ones_are(cli, standin):
    cli(*DEPLOY, "--yes")
    result = cli("logs")
    assert (result.code, result.out) == (0, "")
    assert "console.runpod.io" in result.err


def test_logs_need_an_endpoint_where_there_are_several(cli, standin):
    cli(*DEPLOY, "--tier", "AMPERE_48", "--yes")
    result = cli("logs")
    assert (result.code, "expected an endpoint's id" in result.err) == (2, True)


@pytest.fixture
def run(tmp_path):
    """A run of one trial that cost something, and one that did not."""
    directory = RunDirectory.create(tmp_path / "runs", "one")
    directory.write_config(RunConfig())
    usage = RemoteUsage(
        job="j0", endpoint="ep", tier="ADA_24", price_per_second=0.00031,
        price_source="table of 2026-06-08", queue_seconds=12.5, execution_seconds=47.3,
        cost_lower=0.014663, cost_upper=0.02015, bytes_sent=3000, bytes_received=45_000,
    )  # fmt: skip
    for number, usages in ((0, [usage]), (1, [])):
        result = TrialResult(
            trial=number, attempt="a", state="complete", seed=0, family="cnn", hyperparameters={},
            started="2026-11-28T10:00:00+00:00", seconds=60.0, usage=usages,
        )  # fmt: skip
        directory.write_trial(result)
    return directory


def test_costs_of_a_run_need_neither_key_nor_network(cli, run, monkeypatch):
    monkeypatch.delenv("RUNPOD_API_KEY", raising=False)
    result = cli("costs", "one")
    assert result.code == 0
    for part in ("ADA_24", "12.5 s", "47.3 s", "$0.01466", "$0.02015", "3.0 kB", "total"):
        assert part in result.out
    record = json.loads(cli("costs", "one", "--json").out)
    assert [trial["trial"] for trial in record["trials"]] == [0]
    assert (record["total"]["upper"], record["billed"]) == (0.02015, None)


def test_costs_of_attempts_that_no_trial_lists(cli, run):
    usage = run.read_trials()[0].usage[0]
    ledger = Ledger(run.path / "backend" / "jobs.jsonl")
    ledger.add(Settled(attempt="a", usage=usage))
    assert "more for attempts" not in cli("costs", "one").err
    lost = usage.model_copy(update={"job": "j1", "cost_lower": 0.25, "cost_upper": 0.5})
    ledger.add(Settled(attempt="b", usage=lost))
    assert "$0.25000 to $0.50000 more for attempts that no ended" in cli("costs", "one").err
    assert json.loads(cli("costs", "one", "--json").out)["unlisted"]["upper"] == 0.5


def test_without_its_packages_the_message_says_what_to_install(cli, monkeypatch):
    monkeypatch.setattr("hpo_torch_runpod.cli.find_spec", lambda name: None)
    result = cli("status")
    assert (result.code, "pip install 'hpo-torch[runpod]'" in result.err) == (3, True)


def test_costs_beside_the_bill(cli, run, standin):
    standin.add_endpoint(Endpoint(id="ep"))
    result = cli("costs", "one", "--billed")
    assert "RunPod has billed $0.00000" in result.err
    record = json.loads(cli("costs", "one", "--billed", "--json").out)
    assert record["billed"]["by_endpoint"] == {"ep": 0}


def test_costs_of_an_unknown_run(cli):
    assert cli("costs", "none").code == 2


@pytest.mark.parametrize("command", [DEPLOY, ("status",), ("logs",), ("teardown",)])
def test_without_a_key_there_is_one_clear_message(cli, monkeypatch, command):
    monkeypatch.delenv("RUNPOD_API_KEY", raising=False)
    result = cli(*command)
    assert (result.code, result.out) == (2, "")
    assert "RUNPOD_API_KEY" in result.err
    assert len(result.err.strip().splitlines()) == 1


def test_a_wrong_key_is_never_shown(cli, standin, monkeypatch):
    monkeypatch.setenv("RUNPOD_API_KEY", "rpa_WRONG")
    result = cli("status")
    assert (result.code, "Is the key in RUNPOD_API_KEY right?" in result.err) == (1, True)
    assert "rpa_WRONG" not in result.err
