"""As much of RunPod's GraphQL API as the SDK's functions ask: GPUs, endpoints, templates, pods.

The SDK's queries (api/queries and api/mutations) are texts of its own with values pasted in, so
they are told apart by a word each; this understands no other GraphQL.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from hpo_torch.testing.runpod_standin.account import Wish
from hpo_torch.testing.runpod_standin.client_routes import check_key
from hpo_torch.testing.runpod_standin.cloud import CORE_API
from hpo_torch.testing.runpod_standin.exchange import Reply
from hpo_torch.testing.runpod_standin.queue import Rejected

if TYPE_CHECKING:
    from aiohttp import web

    from hpo_torch.testing.runpod_standin.account import Account
    from hpo_torch.testing.runpod_standin.catalog import Gpu
    from hpo_torch.testing.runpod_standin.cloud import Hosted
    from hpo_torch.testing.runpod_standin.exchange import Call, Gate

_ARGUMENT = re.compile(r'(\w+)\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+|true|false)')


class GraphQl:
    """The one handler."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def add_to(self, app: web.Application, gate: Gate) -> None:
        """Serve it."""
        app.router.add_post(f"{CORE_API}/graphql", gate.wrap("manage", self.query))

    async def query(self, call: Call) -> Reply:
        """POST /graphql: the data, or an error with status 200, as GraphQL has it."""
        check_key(call, self.account.cloud)
        try:
            return Reply(body={"data": self._data(str(call.json().get("query", "")))})
        except Rejected as error:
            return Reply(body={"errors": [{"message": str(error)}]})

    def _data(self, query: str) -> dict[str, Any]:
        given = {name: json.loads(value) for name, value in _ARGUMENT.findall(query)}
        if "gpuTypes" in query:
            return {"gpuTypes": self._gpus(given.get("id"))}
        if "saveEndpoint" in query:
            return {"saveEndpoint": _endpoint(self._save_endpoint(given))}
        if "saveTemplate" in query:
            made = self.account.create_template(given.get("name", ""), given.get("imageName", ""))
            return {"saveTemplate": {"id": made.id, "name": made.name, "imageName": made.image}}
        if "endpoints" in query:
            hosted = self.account.cloud.hosted.values()
            return {"myself": {"endpoints": [_endpoint(each) for each in hosted]}}
        if "pods" in query:
            return {"myself": {"pods": self.account.all_pods(workers=False)}}
        raise Rejected(400, "the stand-in does not know this query")

    def _gpus(self, chosen: str | None) -> list[dict[str, Any]]:
        return [
            _gpu(each) for each in self.account.cloud.catalog.values() if chosen in {None, each.id}
        ]

    def _save_endpoint(self, given: dict[str, Any]) -> Hosted:
        pools = str(given.get("gpuIds", "")).split(",")
        gpus = [gpu.id for gpu in self.account.cloud.catalog.values() if gpu.pool in pools]
        return self.account.create_endpoint(
            Wish(
                name=given.get("name"),
                template=given.get("templateId"),
                gpus=gpus,
                gpu_count=given.get("gpuCount"),
                workers_min=given.get("workersMin"),
                workers_max=given.get("workersMax"),
                idle_timeout=given.get("idleTimeout"),
            )
        )


def _endpoint(hosted: Hosted) -> dict[str, Any]:
    kept = hosted.endpoint
    return {
        "id": kept.id,
        "name": kept.name,
        "templateId": kept.template,
        "gpuIds": kept.gpu_pool,
        "gpuCount": kept.gpu_count,
        "idleTimeout": kept.idle_timeout_seconds,
        "workersMin": kept.workers_min,
        "workersMax": kept.workers_max,
    }


def _gpu(gpu: Gpu) -> dict[str, Any]:
    price = gpu.public()["price"]
    return {
        "id": gpu.id,
        "displayName": gpu.public()["name"],
        "memoryInGb": gpu.memory,
        "securePrice": price["secure"],
        "communityPrice": price["community"],
        "lowestPrice": {"minimumBidPrice": None, "uninterruptablePrice": price["secure"]},
    }
