"""The settings of a run: every section, key, default and bound. This is config.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import (
    Field,
    field_serializer,
    model_validator,
)

from hpo_torch.config.database_url import without_password
from hpo_torch.config.health_presets import with_health_preset
from hpo_torch.config.remote_schema import RemoteSettings
from hpo_torch.config.section import Section

Mode = Literal["simple", "health", "constrained", "pareto"]
Sampler = Literal["tpe", "random", "gp", "cmaes", "nsga2", "grid", "qmc"]
Pruner = Literal["none", "median", "percentile", "hyperband", "asha", "patient", "threshold"]
Combination = Literal["geometric", "arithmetic", "min"]
Missing = Literal["renormalize", "zero"]
ForcedActivation = Literal["relu", "tanh", "swish", "leaky_relu", "elu", "selu", "gelu"]

VALIDATION_SHARE = 0.2
"""Of a training set, where neither the user nor the data set says another."""


class DataSettings(Section):
    """Which data set, where its files are, and how much of it validates."""

    dataset: str = Field("digits", description="name of a data set: `hpo-torch datasets list`")
    dir: str | None = Field(None, description="folder of data files; a per-user cache by default")
    download: bool = Field(True, description="fetch missing files")
    validation_split: float | None = Field(
        None,
        gt=0.0,
        lt=1.0,
        description="share of the training set that validates, stratified; by default the data "
        "set's own, which is 0.2 of most",
    )
    path: str | None = Field(None, description="own data: a folder of images or a table of texts")
    text_column: str | None = Field(None, description="own table: the column of texts")
    label_column: str | None = Field(None, description="own table: the column of labels")
    skip_corrupt: bool = Field(False, description="leave unreadable files out instead of stopping")
    tokenizer: Literal["words", "torchtext"] = Field(
        "words", description="how texts become tokens; torchtext needs torch 2.3"
    )
    image_size: int | None = Field(
        None,
        ge=8,
        le=512,
        multiple_of=8,
        description="own images: pixels of the longer side; by default theirs, 64 at most",
    )
    memory_limit_gb: float | None = Field(
        None,
        ge=0.0,
        description="largest image set kept on the device, 10^9 bytes; half of its free memory by "
        "default. A larger one is streamed from where it lies",
    )

    @property
    def validation_share(self) -> float:
        """The share that validates; 0.2 where neither the user nor the data set has said."""
        return VALIDATION_SHARE if self.validation_split is None else self.validation_split


class SearchSettings(Section):
    """What is optimised, how long, and by which sampler and pruner."""

    mode: Mode = Field(
        "health",
        description="simple: the objective; health: objective and health in one score; "
        "constrained: the healthiest within delta of the best; pareto: the front of both",
    )
    optimize_for: str = Field("val_accuracy", description="objective: `hpo-torch objectives`")
    health_weight: float = Field(
        0.3, ge=0.0, le=1.0, description="health's share of the score in health mode"
    )
    delta: float = Field(
        0.01,
        ge=0.0,
        le=1.0,
        description="modes constrained and pareto: how far below the best objective the healthiest "
        "may be",
    )
    family: str | None = Field(
        None, description="model family: cnn or lstm; the one for the data by default"
    )
    trials: int = Field(10, ge=1, description="trials in all")
    timeout: float | None = Field(None, gt=0.0, description="seconds for the whole study")
    seed: int = Field(42, ge=0, le=2**32 - 1, description="of sampler, splits and every trial")
    trial_timeout: float | None = Field(
        None, gt=0.0, description="seconds for one trial, after which it has failed"
    )
    max_failures: int = Field(5, ge=1, description="failed trials in a row that end the study")
    sampler: Sampler = Field("tpe", description="how hyperparameters are chosen")
    sampler_options: dict[str, Any] = Field(
        default_factory=dict, description="options by name: `hpo-torch samplers`"
    )
    pruner: Pruner = Field("median", description="how bad trials are stopped")
    pruner_options: dict[str, Any] = Field(
        default_factory=dict, description="options by name: `hpo-torch pruners`"
    )
    max_compute: float | None = Field(
        None,
        gt=0.0,
        description="most multiply-adds an example, as a multiple of the default configuration's; "
        "networks that need more are not proposed. By default the data set's own: 2 of gtsrb, no "
        "limit of most",
    )
    max_parameters: int | None = Field(
        None, ge=1, description="most trainable parameters; larger networks are not proposed"
    )
    max_memory: float | None = Field(
        None,
        gt=0.0,
        description="most memory of one training step, 10^9 bytes, estimated; networks that need "
        "more are not proposed",
    )
    enqueue: str | None = Field(
        None, description="YAML or JSON file of configurations that are trained first"
    )
    warm_start: str | None = Field(
        None, description="folder of an earlier run whose trials the sampler learns from"
    )
    confirm: int = Field(
        0, ge=0, description="best trials that are trained again before the winner is named"
    )
    confirm_seeds: int = Field(3, ge=1, description="fresh seeds for each confirmed trial")
    space: dict[str, Any] = Field(
        default_factory=dict,
        description="changes of the search space: {family: {hyperparameter: {choices: [...]} or "
        "{low: x, high: y}}}",
    )
    min_epochs: int = Field(5, ge=1, description="lower end of the searched number of epochs")
    max_epochs: int = Field(20, ge=1, description="upper end of the searched number of epochs")
    activation: ForcedActivation | None = Field(
        None, description="one activation in all trials, everywhere in the network"
    )
    fix: dict[str, Any] = Field(default_factory=dict, description="hyperparameters not searched")

    @model_validator(mode="after")
    def _epochs_in_order(self) -> SearchSettings:
        if self.min_epochs > self.max_epochs:
            raise ValueError(
                f"min_epochs ({self.min_epochs}) is above max_epochs ({self.max_epochs})"
            )
        return self


class TrainingSettings(Section):
    """How one trial trains."""

    patience: int = Field(
        5,
        ge=1,
        description="epochs without improvement before a training whose learning rate stays "
        "constant is stopped",
    )
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = Field(
        "auto", description="auto: bf16-mixed where the device computes it fast, else 32-true"
    )


class HealthSettings(Section):
    """How health is measured and combined."""

    probe_size: int = Field(512, ge=1, description="training examples for unit statistics")
    gradient_probe_size: int = Field(128, ge=1, description="examples for the gradient profile")
    every_k_steps: int = Field(10, ge=1, description="gradient norms are kept every k steps")
    preset: str | None = Field(
        None,
        description="original: the original system's six parts and weights, which combine, weights "
        "and default_weights change",
    )
    combine: Combination = Field("geometric", description="how metrics become overall_health")
    weights: dict[str, float] = Field(
        default_factory=dict, description="weight by metric name; a plugin's default otherwise"
    )
    default_weights: bool = Field(
        True, description="metrics that weights does not name have their plugin's default; else 0"
    )
    missing: Missing = Field(
        "renormalize",
        description="what counts for a metric that could not be measured: renormalize: the others; "
        "zero: 0, unless it has no meaning for the data or model family. Broken training is never "
        "missing: it reads 0",
    )
    stop: bool = Field(
        True, description="stop a trial that its health shows to be hopeless: broken without skill"
    )

    def weights_of(self, defaults: Mapping[str, float]) -> dict[str, float]:
        """Return every metric's weight: the configured one, or its default (0 without those).

        Args:
            defaults: Every offered metric's default weight, by name.
        """
        used = 1.0 if self.default_weights else 0.0
        return {**{name: used * weight for name, weight in defaults.items()}, **self.weights}

    @model_validator(mode="before")
    @classmethod
    def _fill_in_preset(cls, settings: Any) -> Any:
        return with_health_preset(settings) if isinstance(settings, dict) else settings


class ExecutionSettings(Section):
    """Where trials run."""

    backend: str = Field(
        "auto",
        description="`hpo-torch backends list`; auto: a remote one that is set up and healthy, "
        "else local processes",
    )
    device: str = Field("auto", description="auto, cpu, cuda, cuda:N or mps")
    jobs: int = Field(1, ge=1, description="trials at once; 1 repeats bit for bit")
    oversubscribe: bool = Field(False, description="allow more workers than CUDA devices")
    retries: int = Field(
        2,
        ge=0,
        description="times that a trial is started again whose worker died (in a row, without an "
        "epoch in between) or whose memory ran out (with its batches halved each time)",
    )
    storage: str | None = Field(
        None,
        description="URL of a database (postgresql://...) through which several engines work on "
        "one study, the one of the run's name; by default a journal file in the run's folder",
    )

    remote: RemoteSettings = Field(default_factory=RemoteSettings)
    fallback: Literal["local", "none"] | None = Field(
        None,
        description="where trials go on once a remote backend fails; by default local with backend "
        "auto, none with one that is named",
    )

    @field_serializer("storage")
    def _storage_without_password(self, url: str | None) -> str | None:
        """Keep the password out of everything that is written: config.yaml, listings, studies."""
        return None if url is None else without_password(url)


class LoggerSettings(Section):
    """One of Lightning's loggers, as its own command line names it."""

    class_path: str = Field(description="lightning.pytorch.loggers.MLFlowLogger ...")
    init_args: dict[str, Any] = Field(
        default_factory=dict, description="arguments; texts may have {run}, {trial} and {folder}"
    )


class OutputSettings(Section):
    """What a run leaves behind, and where."""

    dir: str = Field("runs", description="folder of all runs")
    name: str | None = Field(None, description="this run's folder; time, data set, mode by default")
    plots: Literal["all", "best", "none"] = Field(
        "best", description="all: learning curves of every trial; best: of the best; none"
    )
    tensorboard: bool = Field(
        False, description="write TensorBoard's logs of every trial into the run's folder"
    )
    loggers: list[LoggerSettings] = Field(
        default_factory=list,
        description="more loggers of every trial: [{class_path: ..., init_args: {...}}]",
    )


class RunConfig(Section):
    """All settings of a run."""

    data: DataSettings = Field(default_factory=DataSettings)
    search: SearchSettings = Field(default_factory=SearchSettings)
    training: TrainingSettings = Field(default_factory=TrainingSettings)
    health: HealthSettings = Field(default_factory=HealthSettings)
    execution: ExecutionSettings = Field(default_factory=ExecutionSettings)
    output: OutputSettings = Field(default_factory=OutputSettings)
