"""What `hpo-torch serve` was started with."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

STATE_FOLDER = ".server"
SQLITE_FILE = "server.sqlite3"


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches a host: localhost, 127.0.0.0/8, ::1."""
    name = host.removeprefix("[").removesuffix("]")
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _rate(text: str) -> str:
    from limits import parse

    try:
        parse(text)
    except ValueError:
        raise ValueError("expected a rate like 100/second or 2000/minute") from None
    return text


def _origin(text: str) -> str:
    scheme, separator, place = text.rstrip("/").partition("://")
    if scheme not in ("http", "https") or not separator or not place or "/" in place:
        raise ValueError("expected an origin like https://dashboard.example.org")
    return f"{scheme}://{place.lower()}"


class Quotas(BaseModel):
    """What one owner may use at most; None is no limit.

    Attributes:
        jobs: Jobs that have not ended.
        trials: Trials of all jobs that have not ended.
        disk_bytes: Bytes of all of the owner's runs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    jobs: int | None = Field(None, ge=1)
    trials: int | None = Field(None, ge=1)
    disk_bytes: int | None = Field(None, ge=1)


class ServerSettings(BaseModel):
    """All settings of a server.

    Attributes:
        host: Where it listens; any but loopback demands API keys.
        port: 0 is any that is free.
        output_dir: Folder of the runs, absolute.
        state_dir: What the server itself keeps, absolute; `.server` in `output_dir` by default.
        database: SQLAlchemy's URL; SQLite in `state_dir` by default.
        jobs: Runs at once.
        rate_limit: Requests of one address or key, as `limits` writes them.
        max_body: Bytes of a request's body.
        body_seconds: Seconds until a body must have come.
        cors: Origins of web pages that may call the API; none by default.
        hosts: More names under which the server may be addressed. On loopback, others than its own
            are refused, because a web page can point its own name there (DNS rebinding).
        quotas: Limits of each owner.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    output_dir: Path = Path("runs")
    state_dir: Path = Path()
    database: str | None = Field(None, repr=False)  # may hold a password
    jobs: int = Field(1, ge=1)
    rate_limit: Annotated[str, AfterValidator(_rate)] = "100/second"
    max_body: int = Field(1_000_000, ge=1)
    body_seconds: float = Field(10.0, gt=0.0)
    cors: tuple[Annotated[str, AfterValidator(_origin)], ...] = ()
    hosts: tuple[str, ...] = ()
    quotas: Quotas = Quotas()

    @model_validator(mode="after")
    def _absolute_folders(self) -> Self:
        output = self.output_dir.absolute()
        state = output / STATE_FOLDER if self.state_dir == Path() else self.state_dir.absolute()
        object.__setattr__(self, "output_dir", output)
        object.__setattr__(self, "state_dir", state)
        return self

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches the server."""
        return is_loopback(self.host)

    @property
    def database_url(self) -> str:
        """The database's URL, SQLAlchemy's way; it may hold a password."""
        return self.database or f"sqlite:///{self.state_dir / SQLITE_FILE}"
