"""Leases in a database: several engines finish each of a study's wanted trials exactly once."""

from __future__ import annotations

import os
import socket
import uuid
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from optuna.trial import TrialState as OptunaState
from sqlalchemy.exc import IntegrityError

from hpo_torch.errors import StorageError
from hpo_torch.study import lease_table
from hpo_torch.study.database import patiently
from hpo_torch.study.leases import Lease
from hpo_torch.study.renewals import Renewals
from hpo_torch.study.strays import put_back

if TYPE_CHECKING:
    from collections.abc import Sequence

    import optuna
    from sqlalchemy import Row, TextClause

    from hpo_torch.protocol.events import TrialState
    from hpo_torch.study.database import Database

# An engine that was not heard of for so long is taken for dead: long enough for a server's restart
# or a crowded machine, since a wrong guess trains a trial's rest twice.
EXPIRY_SECONDS = 120.0
RENEW_SECONDS = 15.0


def engine_id() -> str:
    """Name this engine: host and process for people, and something unique for the table."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


class SqlLeases:
    """`hpo_torch.study.leases.Leases` in a table.

    A lease belongs to its engine until another one takes it: renewing late is no loss as long as
    nobody wanted it. Every change is one statement that names the holder, which fences off an
    engine that was believed dead and comes back.

    Args:
        database: Where the table is; made if need be, by one engine at a time.
        study: Optuna's study, in the same database.
        wanted: Trials in all; the largest number that any engine gave counts for all of them.
        expiry: Seconds after which a lease that is not renewed may be taken.
        renew_every: Seconds between renewals, a small part of `expiry`.

    Attributes:
        engine: This engine's name in the table.
    """

    def __init__(
        self,
        database: Database,
        study: optuna.Study,
        wanted: int,
        *,
        expiry: float = EXPIRY_SECONDS,
        renew_every: float = RENEW_SECONDS,
    ) -> None:
        self.engine = engine_id()
        self._database, self._study = database, study
        self._held: dict[int, int | None] = {}  # trial by slot
        self._values: dict[str, Any] = {
            "study": study._storage.get_study_id_from_name(study.study_name),
            "engine": self.engine,
            "expiry": timedelta(seconds=expiry),
        }
        with database.alone("lease tables"):
            for statement in lease_table.CREATE:
                self._change(statement)
        self._change(lease_table.WANT, trials=wanted)
        self._renewals = Renewals(self._renew, renew_every)

    def take(self) -> Lease | None:
        """Take what nobody works on: an abandoned trial first, then one still to be asked for.

        Raises:
            StorageError: The leases could not be renewed; this engine must not go on.
        """
        self._renewals.check()
        row = (
            self._first(lease_table.OURS, held=list(self._held))
            or self._first(lease_table.TAKE_ABANDONED)
            or self._take_next()
            or self._take_untold()
        )
        if row is None:
            return None
        self._held[row.slot] = row.trial
        lease = Lease(row.slot, row.trial)
        return lease if lease.trial is not None else self._with_stray(lease)

    def has_begun(self) -> bool:
        """Never: where several engines take, only taking tells."""
        return False

    def bind(self, lease: Lease, trial: int) -> None:
        """Say which trial was asked for; with it the lease survives this engine's death."""
        self._change(lease_table.BIND, slot=lease.slot, trial=trial)
        self._held[lease.slot] = trial

    def finish(self, trial: int, state: TrialState) -> bool:
        """Give a lease back as done.

        It stays ours for one more expiry, in which Optuna is to be told: if we die before that,
        another engine finds the trial running still, and goes on with it.

        Returns:
            Whether it was still ours.
        """
        self._forget(trial)
        return self._change(lease_table.FINISH, trial=trial, state=state) == 1

    def release(self, trial: int) -> None:
        """Give a lease back undone."""
        self._forget(trial)
        self._change(lease_table.RELEASE, trial=trial)

    def is_complete(self) -> bool:
        """Whether all wanted trials are finished, and Optuna has been told of each."""
        return self._number(lease_table.REMAINING) <= 0 and not self._untold()

    def close(self) -> None:
        """Release what is still held, and stop renewing.

        Of a complete study, trials are closed that dead engines asked for and never began. A server
        that is away is not waited for: leases expire.
        """
        self._renewals.stop()
        with suppress(StorageError):
            self._change(lease_table.RELEASE_ALL, patience=0.0)
            if self.is_complete():
                for number in self.strays():
                    put_back(self._study, number)

    def strays(self, taken: Lease | None = None) -> list[int]:
        """Return trials that are running in Optuna although no lease has their number.

        Their engine died between asking for them and binding them. While another engine may be
        just there, nobody can tell them apart, and none is returned.

        Args:
            taken: A lease of ours for which nothing was asked yet.
        """
        running = self._running()  # before the table: who asks from now on has a row there
        rows = self._all(lease_table.ROWS)
        ours = taken.slot if taken else None
        if any(row.trial is None and not row.free and row.slot != ours for row in rows):
            return []
        return sorted(running - {row.trial for row in rows})

    def _take_next(self) -> Row[Any] | None:
        while self._number(lease_table.UNTAKEN) > 0:
            if row := self._first(lease_table.TAKE_NEXT):
                return row
        return None

    def _take_untold(self) -> Row[Any] | None:
        rows = (self._first(lease_table.REOPEN, trial=trial) for trial in self._untold())
        return next((row for row in rows if row), None)

    def _with_stray(self, lease: Lease) -> Lease:
        """Go on with a trial that its engine asked for and did not live to bind, if there is one.

        It may have come from the user's own list, which would be lost otherwise.
        """
        for trial in self.strays(lease):
            try:
                self.bind(lease, trial)
            except IntegrityError:
                continue  # another engine was faster
            return Lease(lease.slot, trial)
        return lease

    def _forget(self, trial: int) -> None:
        self._held = {slot: held for slot, held in self._held.items() if held != trial}

    def _untold(self) -> list[int]:
        """Return trials that are finished here and running in Optuna."""
        finished = {row.trial for row in self._all(lease_table.ROWS) if row.state != "open"}
        return sorted(self._running() & finished)

    def _running(self) -> set[int]:
        trials = self._study.get_trials(deepcopy=False, states=(OptunaState.RUNNING,))
        return {trial.number for trial in trials}

    def _renew(self) -> None:
        with self._database.engine.begin() as connection:
            connection.execute(lease_table.RENEW, self._values)

    def _change(
        self, statement: TextClause, *, patience: float | None = None, **values: Any
    ) -> int:
        def change() -> int:
            with self._database.engine.begin() as connection:
                return connection.execute(statement, self._values | values).rowcount

        return patiently(change, patience)

    def _all(self, statement: TextClause, **values: Any) -> Sequence[Row[Any]]:
        def fetch() -> Sequence[Row[Any]]:
            with self._database.engine.begin() as connection:
                return connection.execute(statement, self._values | values).all()

        return patiently(fetch)

    def _first(self, statement: TextClause, **values: Any) -> Row[Any] | None:
        return next(iter(self._all(statement, **values)), None)

    def _number(self, statement: TextClause) -> int:
        return int(self._all(statement)[0][0])
