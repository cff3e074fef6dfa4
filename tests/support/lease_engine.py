"""An engine of a shared study as far as leases go: it takes, asks, binds and finishes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import optuna
from sqlalchemy import text

from hpo_torch.study.database import Database
from hpo_torch.study.patient_storage import PatientStorage
from hpo_torch.study.sql_leases import SqlLeases

if TYPE_CHECKING:
    import multiprocessing.synchronize

    from hpo_torch.study.leases import Lease

NEVER, SOON = 3600.0, 1.0


class Engine:
    """What an engine of a shared study holds."""

    def __init__(self, url: str, wanted: int, *, expiry: float = NEVER, renew: float = NEVER):
        self.database = Database(url)
        with self.database.alone("test"):
            self.study = optuna.create_study(
                storage=PatientStorage(self.database), study_name="shared", load_if_exists=True
            )
        self.leases = SqlLeases(self.database, self.study, wanted, expiry=expiry, renew_every=renew)

    def begin(self) -> tuple[Lease, int]:
        """Take a lease, ask for its trial and bind it."""
        lease = self.leases.take()
        assert lease is not None
        number = self.study.ask().number if lease.trial is None else lease.trial
        self.leases.bind(lease, number)
        return lease, number

    def finish(self, number: int) -> bool:
        """Finish a trial here and, if it was ours, in Optuna."""
        ours = self.leases.finish(number, "complete")
        if ours:
            self.study.tell(number, 1.0)
        return ours

    def rows(self) -> list[tuple[int, int | None, str]]:
        statement = "SELECT slot, trial, state FROM hpo_torch_leases ORDER BY slot"
        with self.database.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]

    def expire(self) -> None:
        """Let every lease's time run out at once."""
        with self.database.engine.begin() as connection:
            connection.execute(text("UPDATE hpo_torch_leases SET expires = now() - interval '1s'"))

    def stop(self) -> None:
        self.leases.close()
        self.database.close()


def work(url: str, wanted: int) -> list[int]:
    """Work like an engine until nothing is left; return the slots that it finished."""
    engine, slots = Engine(url, wanted), []
    while not engine.leases.is_complete():
        lease = engine.leases.take()
        if lease is None:
            time.sleep(0.01)
            continue
        number = engine.study.ask().number
        engine.leases.bind(lease, number)
        if engine.finish(number):
            slots.append(lease.slot)
    engine.stop()
    return slots


def hold(url: str, ready: multiprocessing.synchronize.Event) -> None:
    """Take a lease, bind it, and never finish it."""
    engine = Engine(url, 1, expiry=SOON, renew=SOON / 5)
    engine.begin()
    ready.set()
    time.sleep(3600)
