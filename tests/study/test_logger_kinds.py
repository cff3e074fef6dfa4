from __future__ import annotations

import importlib.util

import pytest

from hpo_torch.config.schema import LoggerSettings, OutputSettings
from hpo_torch.errors import InvalidValueError, MissingDependencyError
from hpo_torch.study.logger_kinds import logger_kinds

CSV = "lightning.pytorch.loggers.CSVLogger"


def kind(path, **arguments):
    (found,) = logger_kinds(
        OutputSettings(loggers=[LoggerSettings(class_path=path, init_args=arguments)])
    )
    return found


def test_no_logger_is_the_default():
    assert logger_kinds(OutputSettings()) == []


def test_each_trial_has_a_folder_of_its_own_in_the_run(tmp_path):
    logger = kind(CSV).open(tmp_path, "trial-0003")
    assert logger.log_dir == str(tmp_path / "csv" / "trial-0003")


def test_arguments_prevail_and_their_texts_are_filled_in(tmp_path):
    logger = kind(CSV, save_dir="{folder}/logs", name="{run}").open(tmp_path, "trial-0003")
    assert logger.log_dir == str(tmp_path / "logs" / tmp_path.name / "trial-0003")


def test_tensorboard_without_its_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingDependencyError, match=r"hpo-torch\[tensorboard\]"):
        logger_kinds(OutputSettings(tensorboard=True))


@pytest.mark.parametrize(
    "path",
    ["CSVLogger", "lightning.pytorch.loggers.CsvLogger", "lightning.nothing.CSVLogger", "os.path"],
)
def test_a_path_to_no_class_is_refused(path):
    with pytest.raises(InvalidValueError, match="expected a class's path"):
        kind(path)


def test_a_class_that_is_no_logger_is_refused():
    with pytest.raises(InvalidValueError, match="a logger, which has log_hyperparams"):
        kind("collections.OrderedDict")


def test_arguments_that_it_does_not_take_are_refused():
    with pytest.raises(InvalidValueError, match="unexpected keyword argument 'nmae'"):
        kind(CSV, nmae="x")


def test_a_package_that_a_class_needs_is_named(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("import not_installed_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingDependencyError, match="needs not_installed_package"):
        kind("mine.Logger")
