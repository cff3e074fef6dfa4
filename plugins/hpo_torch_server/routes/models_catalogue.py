"""What there is: data sets, modes, objectives, search spaces, presets, plugins, backends."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Backend(_Frozen):
    """A place where trials can run."""

    name: str
    summary: str
    where: str
    remote: bool = Field(description="on rented hardware, which costs money")
    ready: bool | None = Field(
        description="whether it can take trials now; null where it does not say, or has not yet"
    )
    reason: str = Field(description="what it offers (devices), or what is missing")


class JobCounts(_Frozen):
    """How much there is to do."""

    active: int = Field(description="jobs with a process")
    queued: int
    places: int = Field(description="jobs that may be active at once")


class Health(_Frozen):
    """The server and where its jobs can run."""

    status: Literal["healthy"]
    version: str = Field(description="of hpo-torch")
    timestamp: datetime
    jobs: JobCounts
    backends: list[Backend]
    backends_checked: datetime | None = Field(
        description="when `ready` was found; they are asked once a minute, if at all"
    )
    backends_problem: str = Field(description="why they could not be asked the last time, if so")


class Dataset(_Frozen):
    """A data set; null is what only the user's own files tell."""

    name: str
    summary: str
    kind: Literal["image", "text"]
    classes: int | None
    input_shape: list[int] | None = Field(description="channels, height, width; [] of texts")
    training_examples: int | None
    test_examples: int | None
    source: str
    plugin: str


class Datasets(_Frozen):
    """Every data set of the server's plugins."""

    datasets: list[Dataset]


class ModeInfo(_Frozen):
    """A way of using health."""

    name: str
    summary: str
    weighs_health: bool = Field(description="health is a part of the score")
    two_objectives: bool = Field(description="objective and health are optimised as two things")


class Modes(_Frozen):
    """Every mode."""

    modes: list[ModeInfo]


class ObjectiveInfo(_Frozen):
    """What a search can optimise."""

    name: str
    summary: str
    health_only: bool = Field(description="in mode health only, where it is the whole score")
    modes: list[str]
    plugin: str


class Objectives(_Frozen):
    """Every objective of the server's plugins."""

    objectives: list[ObjectiveInfo]


class Hyperparameter(_Frozen):
    """One of a search space."""

    name: str
    searched: str = Field(description="the values, for people")
    default: Any
    when: str | None = Field(description="it exists only then; null: always")
    may_be_fixed_at: str
    meaning: str


class SearchSpaceInfo(_Frozen):
    """What a search searches."""

    family: str = Field(description="model family")
    dataset: str
    hyperparameters: list[Hyperparameter]


class SearchSpaces(_Frozen):
    """The search spaces that were asked for."""

    search_spaces: list[SearchSpaceInfo]


class Preset(_Frozen):
    """A named file of settings."""

    name: str
    summary: str
    settings: dict[str, Any] = Field(description="by dotted name")


class Presets(_Frozen):
    """Every preset."""

    presets: list[Preset]


class Plugin(_Frozen):
    """An installed plugin."""

    name: str
    distribution: str
    version: str
    status: str = Field(description="loaded, disabled, or why it could not be loaded")
    adds: dict[str, list[str]] = Field(description="names by kind")


class Plugins(_Frozen):
    """Every installed plugin."""

    plugins: list[Plugin]
