from __future__ import annotations

import importlib
import importlib.util

import pytest

from hpo_torch.config.schema import LoggerSettings, OutputSettings
from hpo_torch.errors import InvalidValueError, MissingDependencyError
from hpo_torch.study.logger_kinds import logger_kinds

OPTIONAL = {"tensorboard", "tensorboardX", "mlflow", "wandb", "comet_ml"}
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


@pytest.fixture
def installed(monkeypatch):
    """Make it seem that only some of the loggers' packages are installed."""
    importlib.import_module("lightning.pytorch.loggers")  # looks for packages itself
    find_spec = importlib.util.find_spec

    def choose(*packages):
        def find(name, package=None):
            if name in OPTIONAL:
                return find_spec("json") if name in packages else None
            return find_spec(name, package)

        monkeypatch.setattr(importlib.util, "find_spec", find)

    return choose


def test_tensorboard_without_its_package_says_how_to_install_it(installed):
    installed()
    with pytest.raises(MissingDependencyError, match=r"pip install 'hpo-torch\[tensorboard\]'"):
        logger_kinds(OutputSettings(tensorboard=True))


@pytest.mark.parametrize("package", ["tensorboard", "tensorboardX"])
def test_either_of_tensorboards_packages_will_do(installed, package):
    installed(package)
    (found,) = logger_kinds(OutputSettings(tensorboard=True))
    assert found.name == "TensorBoardLogger"


@pytest.mark.parametrize(
    ("logger", "package", "command"),
    [
        ("MLFlowLogger", "mlflow", "pip install mlflow"),
        ("WandbLogger", "wandb", "pip install wandb"),
        ("CometLogger", "comet_ml", "pip install comet-ml"),
    ],
)
def test_a_package_that_lightnings_logger_needs_is_asked_for_before_the_run(
    installed, logger, package, command
):
    path = f"lightning.pytorch.loggers.{logger}"
    installed()
    with pytest.raises(MissingDependencyError, match=f"{logger} needs {package}: {command}$"):
        kind(path)
    installed(package)
    assert kind(path).name == logger


def test_a_class_made_of_lightnings_needs_what_that_needs(installed, tmp_path, monkeypatch):
    source = "from lightning.pytorch.loggers import MLFlowLogger\n"
    (tmp_path / "derived_logger.py").write_text(source + "class Mine(MLFlowLogger):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    installed()
    with pytest.raises(MissingDependencyError, match="Mine needs mlflow"):
        kind("derived_logger.Mine")


@pytest.mark.parametrize(
    "path",
    [
        *("CSVLogger", "lightning.pytorch.loggers.CsvLogger", "lightning.nothing.CSVLogger"),
        *("os.path", ".a.B", "..B", "a..B", ""),
    ],
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


def test_values_of_arguments_are_not_told_since_one_may_be_a_secret():
    with pytest.raises(InvalidValueError) as told:
        kind(CSV, zone="s3cret", api_key="s3cret")
    assert "got ['api_key', 'zone']" in str(told.value)
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize(
    ("source", "reason"),
    [("from json import nothing_there", "nothing_there"), ("len(1)", "has no len")],
    ids=["import", "type"],
)
def test_a_module_that_fails_is_one_message(tmp_path, monkeypatch, source, reason):
    name = f"failing_{reason[:3]}"
    (tmp_path / f"{name}.py").write_text(source + "\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InvalidValueError, match=rf"a class that can be imported.*{reason}"):
        kind(f"{name}.Logger")
