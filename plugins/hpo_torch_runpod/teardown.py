"""What hpo-torch has made on RunPod, of any version: finding it, and removing it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo_torch_runpod.deploy import PREFIX
from hpo_torch_runpod.endpoint_facts import our_name
from hpo_torch_runpod.rest_api import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hpo_torch_runpod.rest_api import Record, RestApi


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What hpo-torch has made on RunPod: records of endpoints and of pods."""

    endpoints: list[Record]
    pods: list[Record]

    def __bool__(self) -> bool:
        return bool(self.endpoints or self.pods)


def leftovers(api: RestApi) -> Leftovers:
    """Return the endpoints and pods that hpo-torch has made, of any version."""
    return Leftovers(
        [each for each in api.endpoints() if our_name(each.get("name") or "")],
        [each for each in api.pods() if _is_ours(each)],
    )


def remove(found: Leftovers, api: RestApi, tell: Callable[[str], None]) -> None:
    """Remove endpoints and pods; what fails is told, and the rest is removed all the same.

    Args:
        found: What to remove.
        api: RunPod.
        tell: Takes a line about each.
    """
    for pod in found.pods:
        _attempt(f"pod {_title(pod)}", lambda pod=pod: api.delete_pod(pod["id"]), tell)  # type: ignore[misc]
    for endpoint in found.endpoints:
        _attempt(
            f"endpoint {_title(endpoint)}",
            lambda endpoint=endpoint: _close(endpoint["id"], api),  # type: ignore[misc]
            tell,
        )


def _close(endpoint: str, api: RestApi) -> None:
    # Without workers first: whatever comes of the deletion, nothing runs on.
    with contextlib.suppress(ApiError):  # whatever comes of that, it is deleted
        api.update_endpoint(endpoint, {"workers": {"min": 0, "max": 0}})
    api.delete_endpoint(endpoint)


def _attempt(what: str, removal: Callable[[], None], tell: Callable[[str], None]) -> None:
    try:
        removal()
    except ApiError as error:
        tell(f"not removed: {what}: {error}")
    else:
        tell(f"removed: {what}")


def _title(record: Record) -> str:
    return f"{record.get('name') or ''} ({record['id']})".lstrip()


def _is_ours(pod: Record) -> bool:
    gone = pod.get("status", pod.get("desiredStatus")) == "TERMINATED"
    return not gone and (pod.get("name") or "").startswith(PREFIX)
