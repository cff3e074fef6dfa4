"""RunPod's REST v2 (docs.runpod.io/api-reference-v2/openapi.json): catalogue, bills, endpoints."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hpo_torch.testing.runpod_standin.account import Wish
from hpo_torch.testing.runpod_standin.client_routes import check_key
from hpo_torch.testing.runpod_standin.cloud import CORE_API, JOBS_API
from hpo_torch.testing.runpod_standin.exchange import Reply
from hpo_torch.testing.runpod_standin.queue import Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from hpo_torch.testing.runpod_standin.account import Account, Template
    from hpo_torch.testing.runpod_standin.cloud import Hosted
    from hpo_torch.testing.runpod_standin.exchange import Call, Gate, Handler

_BASE = f"{CORE_API}/v2"
_ENDPOINT = {
    *("name", "type", "scaling", "gpu", "workers", "timeout", "flashboot", "templateId"),
    *("dataCenterIds", "networkVolumes", "image", "env", "args", "disk", "ports", "registry"),
}
_KEPT = ("scaling", "flashboot", "networkVolumes", "registry")  # and given back, no more
_TEMPLATE = {
    *("name", "image", "env", "serverless", "public", "category", "mounts", "startSsh"),
    *("startJupyter", "args", "disk", "ports", "registry", "allowedCudaVersions"),
}


class RestV2:
    """Handlers by resource and method."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def add_to(self, app: web.Application, gate: Gate) -> None:
        """Serve them."""
        routes: list[tuple[str, str, Handler]] = [
            ("GET", "catalog/gpus", self.gpus),
            ("GET", "billing/serverless", self.bills),
            ("GET", "serverless", self.list_endpoints),
            ("POST", "serverless", self.create_endpoint),
            ("GET", "serverless/{id}", self.get_endpoint),
            ("PATCH", "serverless/{id}", self.update_endpoint),
            ("DELETE", "serverless/{id}", self.delete_endpoint),
            ("GET", "serverless/{id}/workers", self.workers),
            ("GET", "templates", self.list_templates),
            ("POST", "templates", self.create_template),
            ("GET", "templates/{id}", self.get_template),
            ("PATCH", "templates/{id}", self.update_template),
            ("DELETE", "templates/{id}", self.delete_template),
            ("GET", "pods", self.list_pods),
            ("DELETE", "pods/{id}", self.delete_pod),
        ]
        for method, path, handler in routes:
            served = gate.wrap("manage", self._checked(handler), _refusal)
            app.router.add_route(method, f"{_BASE}/{path}", served)

    async def gpus(self, call: Call) -> Reply:
        """GET /catalog/gpus; ?include=AVAILABILITY needs ?product=."""
        query = call.request.query
        wanted = query.get("include") == "AVAILABILITY"
        if wanted != ("product" in query):
            raise Rejected(400, "include=AVAILABILITY and product need each other")
        told = []
        for gpu in self.account.cloud.catalog.values():
            told.append(gpu.public() | ({"availability": gpu.availability} if wanted else {}))
        return Reply(body={"gpus": told})

    async def bills(self, call: Call) -> Reply:
        """GET /billing/serverless: one record an endpoint, in the hour of now.

        The cloud's bills lag behind; these do not.
        """
        chosen = call.request.query.get("serverlessId")
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        bucket: dict[str, Any] = {
            "startTime": _rfc3339(hour),
            "endTime": _rfc3339(hour + timedelta(hours=1)),
        }
        records = [
            bucket | {"serverlessId": each.endpoint.id} | self._amounts(each)
            for each in self.account.cloud.everything()
            if chosen in {None, each.endpoint.id} and each.fleet.workers
        ]
        totals = {"totalAmount": sum(record["totalAmount"] for record in records)}
        metadata = {"query": bucket, "recordCount": len(records), "totals": totals}
        return Reply(body={"records": records, "metadata": metadata})

    async def list_endpoints(self, _call: Call) -> Reply:
        """GET /serverless."""
        hosted = self.account.cloud.hosted.values()
        return Reply(body={"endpoints": [self._endpoint(each) for each in hosted]})

    async def create_endpoint(self, call: Call) -> Reply:
        """POST /serverless: name, type, scaling, and a template or an image with a GPU pool."""
        body = _known(call, _ENDPOINT)
        missing = {"name", "type", "scaling", "gpu"} - body.keys()
        if missing or not body.keys() & {"image", "templateId"}:
            raise Rejected(422, f"required: {sorted(missing) or 'image or templateId'}")
        return Reply(
            status=201, body=self._endpoint(self.account.create_endpoint(self._wish(body)))
        )

    async def get_endpoint(self, call: Call) -> Reply:
        """GET /serverless/{id}."""
        return Reply(body=self._endpoint(self.account.cloud.find(_id(call))))

    async def update_endpoint(self, call: Call) -> Reply:
        """PATCH /serverless/{id}."""
        wish = self._wish(_known(call, _ENDPOINT))
        return Reply(body=self._endpoint(self.account.update_endpoint(_id(call), wish)))

    async def delete_endpoint(self, call: Call) -> Reply:
        """DELETE /serverless/{id}."""
        self.account.cloud.remove(_id(call))
        return Reply(status=204)

    async def workers(self, call: Call) -> Reply:
        """GET /serverless/{id}/workers."""
        hosted = self.account.cloud.find(_id(call))
        fleet, kept = hosted.fleet, hosted.endpoint
        told = [
            {
                "id": each.id,
                "status": fleet.state(each).upper(),
                "isStale": each.stale,
                "gpuCount": kept.gpu_count,
                "gpuTypeId": kept.gpu,
                "image": kept.image,
            }
            for each in fleet.alive()
        ]
        states = fleet.states()
        return Reply(body={"workers": told, "summary": dict(states) | {"total": len(told)}})

    async def list_templates(self, _call: Call) -> Reply:
        """GET /templates."""
        found = self.account.templates.values()
        return Reply(body={"templates": [_template(each) for each in found]})

    async def create_template(self, call: Call) -> Reply:
        """POST /templates."""
        body = _known(call, _TEMPLATE)
        made = self.account.create_template(body.get("name", ""), body.get("image", ""))
        _fill(made, body)
        return Reply(status=201, body=_template(made))

    async def get_template(self, call: Call) -> Reply:
        """GET /templates/{id}."""
        return Reply(body=_template(self.account.template(_id(call))))

    async def update_template(self, call: Call) -> Reply:
        """PATCH /templates/{id}: changes no endpoint ("Later template edits do not affect it")."""
        template = self.account.template(_id(call))
        _fill(template, _known(call, _TEMPLATE))
        return Reply(body=_template(template))

    async def delete_template(self, call: Call) -> Reply:
        """DELETE /templates/{id}."""
        self.account.delete_template(_id(call))
        return Reply(status=204)

    async def list_pods(self, _call: Call) -> Reply:
        """GET /pods."""
        return Reply(body={"pods": self.account.all_pods(workers=False)})

    async def delete_pod(self, call: Call) -> Reply:
        """DELETE /pods/{id}."""
        self.account.delete_pod(_id(call))
        return Reply(status=204)

    def _checked(self, handler: Handler) -> Handler:
        async def handle(call: Call) -> Reply:
            check_key(call, self.account.cloud)
            return await handler(call)

        return handle

    def _amounts(self, hosted: Hosted) -> dict[str, float]:
        cost = self.account.cloud.cost(hosted)
        zeros = dict.fromkeys(("cpuAmount", "diskAmount", "feeAmount"), 0.0)
        return {"totalAmount": cost, "gpuAmount": cost, **zeros}

    def _wish(self, body: Mapping[str, Any]) -> Wish:
        workers, scaling = body.get("workers", {}), body.get("scaling", {})
        if scaling.get("type") == "REQUEST_COUNT" and "idleTimeout" in workers:
            raise Rejected(422, "workers.idleTimeout is not applicable to REQUEST_COUNT")
        gpu = body.get("gpu", {})
        pools = gpu.get("pools")
        timeout = body.get("timeout")
        return Wish(
            name=body.get("name"),
            template=body.get("templateId"),
            image=body.get("image"),
            env=body.get("env"),
            gpus=None if pools is None else self._cards(pools),
            gpu_count=gpu.get("count"),
            workers_min=workers.get("min"),
            workers_max=workers.get("max"),
            idle_timeout=workers.get("idleTimeout"),
            execution_timeout=timeout / 1000 if timeout else None,
            scaler=scaling.get("type"),
            scaler_value=scaling.get("requestCount"),
            settings={name: body[name] for name in _KEPT if name in body},
        )

    def _cards(self, pools: list[str]) -> list[str]:
        gpus = self.account.cloud.catalog.values()
        unknown = set(pools) - {gpu.pool for gpu in gpus}
        if unknown:
            raise Rejected(400, f"unknown GPU pools: {sorted(unknown)}")
        return [gpu.id for pool in pools for gpu in gpus if gpu.pool == pool]

    def _endpoint(self, hosted: Hosted) -> dict[str, Any]:
        kept = hosted.endpoint
        url = f"{self.account.cloud.url}{JOBS_API}/{kept.id}"
        return {
            "id": kept.id,
            "name": kept.name,
            "type": "QUEUE",
            "image": kept.image,
            "env": dict(kept.env),
            "gpu": {"pools": [kept.gpu_pool], "count": kept.gpu_count},
            "workers": {
                "min": kept.workers_min,
                "max": kept.workers_max,
                "idleTimeout": kept.idle_timeout_seconds,
            },
            "scaling": kept.settings.get("scaling", {"type": "QUEUE_DELAY", "queueDelay": 4}),
            "dataCenterIds": [],
            "networkVolumes": kept.settings.get("networkVolumes", []),
            "registry": kept.settings.get("registry"),
            "timeout": round(1000 * kept.execution_timeout_seconds),
            "flashboot": kept.settings.get("flashboot", "OFF"),
            "requestUrls": {"run": f"{url}/run", "health": f"{url}/health"},
        }


def _refusal(error: Rejected) -> dict[str, Any]:
    """Return the error as RFC 9457 has it, without links."""
    return {"title": "Refused", "status": error.status, "detail": str(error)}


def _id(call: Call) -> str:
    return call.request.match_info["id"]


def _known(call: Call, names: set[str]) -> dict[str, Any]:
    body = call.json()
    if unknown := sorted(body.keys() - names):
        raise Rejected(422, f"unknown fields: {', '.join(unknown)}")
    return body


def _fill(template: Template, body: Mapping[str, Any]) -> None:
    template.name = body.get("name", template.name)
    template.image = body.get("image", template.image)
    template.env = dict(body.get("env", template.env))
    template.serverless = body.get("serverless", template.serverless)


def _template(template: Template) -> dict[str, Any]:
    return {
        "id": template.id,
        "name": template.name,
        "image": template.image,
        "env": template.env,
        "serverless": template.serverless,
    }


def _rfc3339(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
