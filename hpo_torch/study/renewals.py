"""A heartbeat: one call repeated in a thread of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from hpo_torch.errors import StorageError
from hpo_torch.study.database import cause, is_transient

if TYPE_CHECKING:
    from collections.abc import Callable


class Renewals:
    """Repeats a call until it is stopped.

    A server that is away is no reason to stop: the next beat tries again, and a lease that is
    renewed late is still held if nobody took it.

    Args:
        renew: What is repeated.
        every: Seconds between two calls.
    """

    def __init__(self, renew: Callable[[], None], every: float) -> None:
        self._renew, self._every = renew, every
        self._stopped = threading.Event()
        self._failure: SQLAlchemyError | None = None
        self._thread = threading.Thread(target=self._beat, name="lease renewals", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise StorageError if renewing failed for another reason than a server that is away."""
        if self._failure is not None:
            raise StorageError(
                f"the leases of a shared study cannot be renewed: {cause(self._failure)} "
                "Was a table of the database changed by hand?"
            ) from self._failure

    def stop(self) -> None:
        """Stop; a call that is under way is waited for."""
        self._stopped.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stopped.wait(self._every):
            try:
                self._renew()
            except SQLAlchemyError as error:
                if not is_transient(error):
                    self._failure = error
                    return
