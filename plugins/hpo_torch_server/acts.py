"""What callers change: each act is in the audit log, done or refused."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo_torch.plugin_api import HpoTorchError
from hpo_torch_server.problems import Problem, of_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hpo_torch_server.context import Server
    from hpo_torch_server.identity import Caller


@dataclass(slots=True)
class Act:
    """Something that a caller does.

    Attributes:
        target: To what: a job's id.
    """

    target: str


@contextmanager
def audited(server: Server, caller: Caller, action: str, target: str) -> Iterator[Act]:
    """Write to the audit log how the block ended; errors go on as problems.

    The block may say better what it was done to, as `target` of what is yielded.

    Args:
        server: Whose log.
        caller: Who acts.
        action: In few words: "stop job".
        target: To what: a job's id.

    Raises:
        Problem: What the block raised.
    """
    act = Act(target)
    try:
        yield act
    except (HpoTorchError, Problem) as error:
        problem = error if isinstance(error, Problem) else of_error(error)
        outcome = f"refused: {problem.type}: {problem.detail}"
        server.audit.write(caller, action, act.target, outcome, caller.address)
        raise problem from error
    server.audit.write(caller, action, act.target, "done", caller.address)
