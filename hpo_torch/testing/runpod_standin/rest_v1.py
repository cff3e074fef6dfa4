"""RunPod's REST v1 (docs.runpod.io/api-reference): endpoints, templates, pods.

The page "Migrate from API v1" says that RunPod retires it on 2026-12-01. Unknown fields are
refused here; whether the cloud does is a guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpo_torch.testing.runpod_standin.account import Wish
from hpo_torch.testing.runpod_standin.client_routes import check_key
from hpo_torch.testing.runpod_standin.cloud import REST_V1
from hpo_torch.testing.runpod_standin.exchange import Reply
from hpo_torch.testing.runpod_standin.queue import Rejected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from aiohttp import web

    from hpo_torch.testing.runpod_standin.account import Account, Template
    from hpo_torch.testing.runpod_standin.cloud import Hosted
    from hpo_torch.testing.runpod_standin.exchange import Call, Gate, Handler

_KEPT = {  # settings that are only kept and told, with the defaults of the reference
    "allowedCudaVersions": [],
    "computeType": "GPU",
    "cpuFlavorIds": [],
    "dataCenterIds": [],
    "flashboot": True,
    "gpuTypeIds": [],
    "networkVolumeId": None,
    "scalerType": "QUEUE_DELAY",
    "scalerValue": 4,
    "vcpuCount": None,
}
_ENDPOINT = {
    *_KEPT,
    "executionTimeoutMs",
    "gpuCount",
    "idleTimeout",
    "name",
    "templateId",
    "workersMax",
    "workersMin",
}
_TEMPLATE = {
    "category",
    "containerDiskInGb",
    "containerRegistryAuthId",
    "dockerEntrypoint",
    "dockerStartCmd",
    "env",
    "imageName",
    "isPublic",
    "isServerless",
    "name",
    "ports",
    "readme",
    "volumeInGb",
    "volumeMountPath",
}


class RestV1:
    """Handlers by resource and method."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def add_to(self, app: web.Application, gate: Gate) -> None:
        """Serve them."""
        collections: dict[str, tuple[Handler, Handler]] = {
            "endpoints": (self.list_endpoints, self.create_endpoint),
            "templates": (self.list_templates, self.create_template),
            "pods": (self.list_pods, self.create_pod),
        }
        items: dict[str, tuple[Handler, Handler | None, Handler]] = {
            "endpoints": (self.get_endpoint, self.update_endpoint, self.delete_endpoint),
            "templates": (self.get_template, self.update_template, self.delete_template),
            "pods": (self.get_pod, None, self.delete_pod),
        }

        def served(handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
            return gate.wrap("manage", self._checked(handler), _refusal)

        for name, (listed, created) in collections.items():
            app.router.add_get(f"{REST_V1}/{name}", served(listed))
            app.router.add_post(f"{REST_V1}/{name}", served(created))
        for name, (got, updated, deleted) in items.items():
            app.router.add_get(f"{REST_V1}/{name}/{{id}}", served(got))
            app.router.add_delete(f"{REST_V1}/{name}/{{id}}", served(deleted))
            if updated is not None:
                app.router.add_patch(f"{REST_V1}/{name}/{{id}}", served(updated))

    async def list_endpoints(self, call: Call) -> Reply:
        """GET /endpoints."""
        hosted = self.account.cloud.hosted.values()
        return Reply(body=[self._endpoint(each, call) for each in hosted])

    async def create_endpoint(self, call: Call) -> Reply:
        """POST /endpoints; a template is needed."""
        body = _known(call, _ENDPOINT)
        if "templateId" not in body:
            raise Rejected(400, "templateId is required")
        body.setdefault("gpuTypeIds", ["NVIDIA GeForce RTX 4090"])
        return Reply(body=self._endpoint(self.account.create_endpoint(_wish(body)), call))

    async def get_endpoint(self, call: Call) -> Reply:
        """GET /endpoints/{id}."""
        return Reply(body=self._endpoint(self.account.cloud.find(_id(call)), call))

    async def update_endpoint(self, call: Call) -> Reply:
        """PATCH /endpoints/{id}."""
        wish = _wish(_known(call, _ENDPOINT))
        return Reply(body=self._endpoint(self.account.update_endpoint(_id(call), wish), call))

    async def delete_endpoint(self, call: Call) -> Reply:
        """DELETE /endpoints/{id}; its workers end."""
        self.account.cloud.remove(_id(call))
        return Reply(status=204)

    async def list_templates(self, _call: Call) -> Reply:
        """GET /templates."""
        return Reply(body=[_template(each) for each in self.account.templates.values()])

    async def create_template(self, call: Call) -> Reply:
        """POST /templates."""
        body = _known(call, _TEMPLATE)
        made = self.account.create_template(body.get("name", ""), body.get("imageName", ""))
        _fill(made, body)
        return Reply(body=_template(made))

    async def get_template(self, call: Call) -> Reply:
        """GET /templates/{id}."""
        return Reply(body=_template(self.account.template(_id(call))))

    async def update_template(self, call: Call) -> Reply:
        """PATCH /templates/{id}; endpoints that use it replace their workers."""
        template = self.account.template(_id(call))
        _fill(template, _known(call, _TEMPLATE))
        self.account.template_changed(template)
        return Reply(body=_template(template))

    async def delete_template(self, call: Call) -> Reply:
        """DELETE /templates/{id}."""
        self.account.delete_template(_id(call))
        return Reply(status=204)

    async def list_pods(self, call: Call) -> Reply:
        """GET /pods; workers of endpoints with ?includeWorkers=true only."""
        workers = call.request.query.get("includeWorkers") == "true"
        return Reply(body=self.account.all_pods(workers=workers))

    async def create_pod(self, call: Call) -> Reply:
        """POST /pods."""
        body = call.json()
        made = self.account.create_pod(body.get("name", ""), body.get("imageName", ""))
        return Reply(status=201, body=made)

    async def get_pod(self, call: Call) -> Reply:
        """GET /pods/{id}."""
        return Reply(body=self.account.pod(_id(call)))

    async def delete_pod(self, call: Call) -> Reply:
        """DELETE /pods/{id}."""
        self.account.delete_pod(_id(call))
        return Reply(status=204)

    def _checked(self, handler: Handler) -> Handler:
        async def handle(call: Call) -> Reply:
            check_key(call, self.account.cloud)
            return await handler(call)

        return handle

    def _endpoint(self, hosted: Hosted, call: Call) -> dict[str, Any]:
        kept = hosted.endpoint
        said = _KEPT | {"gpuTypeIds": [kept.gpu]} | kept.settings
        said |= {
            "id": kept.id,
            "name": kept.name,
            "templateId": kept.template,
            "executionTimeoutMs": round(1000 * kept.execution_timeout_seconds),
            "gpuCount": kept.gpu_count,
            "idleTimeout": kept.idle_timeout_seconds,
            "workersMax": kept.workers_max,
            "workersMin": kept.workers_min,
            "env": dict(kept.env),
        }
        if call.request.query.get("includeTemplate") == "true":
            template = self.account.templates.get(kept.template)
            said["template"] = _template(template) if template else None
        if call.request.query.get("includeWorkers") == "true":
            said["workers"] = [{"id": each.id} for each in hosted.fleet.alive()]
        return said


def _refusal(error: Rejected) -> dict[str, Any]:
    return {"error": str(error), "status": error.status}


def _id(call: Call) -> str:
    return call.request.match_info["id"]


def _known(call: Call, names: set[str]) -> dict[str, Any]:
    body = call.json()
    if unknown := sorted(body.keys() - names):
        raise Rejected(400, f"unknown fields: {', '.join(unknown)}")
    return body


def _wish(body: Mapping[str, Any]) -> Wish:
    milliseconds = body.get("executionTimeoutMs")
    return Wish(
        name=body.get("name"),
        template=body.get("templateId"),
        gpus=body.get("gpuTypeIds"),
        gpu_count=body.get("gpuCount"),
        workers_min=body.get("workersMin"),
        workers_max=body.get("workersMax"),
        idle_timeout=body.get("idleTimeout"),
        execution_timeout=milliseconds / 1000 if milliseconds else None,
        scaler=body.get("scalerType"),
        scaler_value=body.get("scalerValue"),
        settings={name: body[name] for name in _KEPT if name in body},
    )


def _fill(template: Template, body: Mapping[str, Any]) -> None:
    template.name = body.get("name", template.name)
    template.image = body.get("imageName", template.image)
    template.env = dict(body.get("env", template.env))
    template.serverless = body.get("isServerless", template.serverless)
    template.settings |= body


def _template(template: Template) -> dict[str, Any]:
    return template.settings | {
        "id": template.id,
        "name": template.name,
        "imageName": template.image,
        "env": template.env,
        "isServerless": template.serverless,
    }
