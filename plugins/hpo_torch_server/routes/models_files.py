"""What the routes of files and pictures answer."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    """Base of all answers: frozen."""

    model_config = ConfigDict(frozen=True)


class RunFile(Answer):
    """One file of a job's run."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "path": "trials/0007/result.json",
                    "size": 9120,
                    "modified": "2026-11-28T10:22:01.533Z",
                    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "media_type": "application/json",
                }
            ]
        }
    )

    path: str = Field(description="below the run's folder, with slashes")
    size: int = Field(description="bytes")
    modified: str = Field(description="UTC, ISO 8601")
    sha256: str | None = Field(description="hexadecimal; null while the file may still change")
    media_type: str


class FilePage(Answer):
    """Some of a run's files, in the order of their paths."""

    items: list[RunFile]
    next: str | None = Field(description="`cursor` of the page after; null after the last")
    total: int = Field(description="files of all pages")
    total_size: int = Field(description="theirs, bytes")


class Plot(Answer):
    """A picture that has been drawn."""

    name: str = Field(description="for /plots/{name}", examples=["optimization_history.png"])
    trial: int | None = Field(description="whose; null: of the run, its best trial and model")
    path: str = Field(description="for /files/{path}")
    media_type: str
    size: int = Field(description="bytes")
    modified: str = Field(description="UTC, ISO 8601")


class Plots(Answer):
    """The pictures of a run, or of one of its trials."""

    plots: list[Plot]


class BestModel(Answer):
    """The best model so far, or of all: the very weights that scored best."""

    weights: str = Field(description="path of the weights, for /files/{path}")
    files: list[RunFile] = Field(description="of the folder: labels, model card, reports ...")
