"""docs/search.md: its commands run, its files are read."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from hpo_torch.cli.app import main
from hpo_torch.config.load import Layer, file_layer, resolve_config
from hpo_torch.search.cnn_space import cnn_space
from hpo_torch.search.pruner_options import PRUNERS, pruner_options
from hpo_torch.search.sampler_options import SAMPLERS, sampler_options
from hpo_torch.search.study_space import study_space
from hpo_torch.study.queue_file import read_queue

TEXT = (Path(__file__).parents[2] / "docs" / "search.md").read_text("utf-8")
COMMANDS = re.findall(r"^hpo-torch .*$", TEXT, re.MULTILINE)
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
SPACE_FILE, QUEUE_FILE = BLOCKS


@pytest.mark.parametrize("command", COMMANDS)
def test_documented_command_is_understood(command, monkeypatch, capsys):
    """Listings run; of a search, the settings are checked as the search would."""
    configs = []
    monkeypatch.setattr(
        "hpo_torch.cli.run.run_search",
        lambda layers, **_: configs.append(resolve_config(layers).config),
    )
    monkeypatch.setattr(sys, "argv", shlex.split(command))
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code, capsys.readouterr().err
    assert len(configs) == (" optimize " in command)
    for config in configs:
        sampler_options(config.search)
        pruner_options(config.search)
        study_space(config, "cnn", input_shape=(1, 28, 28), examples=60_000, flips=False)


def test_documented_space_is_what_its_comments_say(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(SPACE_FILE)
    config = resolve_config([file_layer(path), Layer("test", {"search.mode": "simple"})]).config
    space, fixed = study_space(config, "cnn", input_shape=(1, 28, 28), examples=60_000, flips=False)
    assert str(space.parameter("filters").domain) == "one of 16, 32"
    assert space.parameter("learning_rate").domain.log
    assert fixed == {"kernel_size": 3}


def test_documented_queue_is_read(tmp_path):
    path = tmp_path / "queue.yaml"
    path.write_text(QUEUE_FILE)
    assert len(read_queue(path, cnn_space((1, 28, 28), 48_000, 5, 20), {})) == 3


@pytest.mark.parametrize("name", [*SAMPLERS, *PRUNERS])
def test_every_method_has_a_row(name):
    assert f"| `{name}` |" in TEXT
