"""What the management APIs manage: templates, endpoints made from them, pods."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hpo_torch.testing.runpod_standin.endpoint import Endpoint
from hpo_torch.testing.runpod_standin.queue import Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpo_torch.testing.runpod_standin.cloud import Cloud, Hosted


@dataclass(slots=True, kw_only=True)
class Template:
    """A container's settings."""

    id: str
    name: str
    image: str
    env: dict[str, str] = field(default_factory=dict)
    serverless: bool = False
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Wish:
    """What a request to make or change an endpoint asks for; None leaves things as they are."""

    name: str | None = None
    template: str | None = None
    image: str | None = None
    env: dict[str, str] | None = None
    gpus: Sequence[str] | None = None
    gpu_count: int | None = None
    workers_min: int | None = None
    workers_max: int | None = None
    idle_timeout: float | None = None
    execution_timeout: float | None = None
    scaler: str | None = None
    scaler_value: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Account:
    """Templates, endpoints and pods.

    Args:
        cloud: Where endpoints are opened.
        worker_command: Starts the workers of endpoints made here, whatever their image is.
    """

    cloud: Cloud
    worker_command: list[str]
    templates: dict[str, Template] = field(default_factory=dict)
    pods: dict[str, dict[str, Any]] = field(default_factory=dict)

    def template(self, template: str) -> Template:
        """Return a template.

        Raises:
            Rejected: 404.
        """
        if template not in self.templates:
            raise Rejected(404, f"template not found: {template}")
        return self.templates[template]

    def create_template(self, name: str, image: str) -> Template:
        """Make a template.

        Raises:
            Rejected: 400: no name, no image, or the name is taken (docs.runpod.io, GraphQL "Manage
                templates": names are unique).
        """
        if not name or not image:
            raise Rejected(400, "a template needs a name and an image")
        if any(each.name == name for each in self.templates.values()):
            raise Rejected(400, f"Template name must be unique: {name}")
        made = Template(id=_new_id(), name=name, image=image)
        self.templates[made.id] = made
        return made

    def delete_template(self, template: str) -> None:
        """Delete a template.

        Raises:
            Rejected: 404; 400 while an endpoint uses it (docs.runpod.io, GraphQL "Manage
                templates": it must not be in use).
        """
        found = self.template(template)
        if any(each.endpoint.template == found.id for each in self.cloud.hosted.values()):
            raise Rejected(400, f"template is in use: {template}")
        del self.templates[template]

    def create_endpoint(self, wish: Wish) -> Hosted:
        """Open an endpoint.

        Raises:
            Rejected: 400, 404: what it asks for is not there.
        """
        endpoint = Endpoint(id=_new_id(), command=self.worker_command, name=wish.name or "")
        endpoint.gpu = ""
        self._apply(endpoint, wish)
        if not endpoint.gpu:
            raise Rejected(400, "an endpoint needs a GPU")
        return self.cloud.host(endpoint)

    def update_endpoint(self, endpoint: str, wish: Wish) -> Hosted:
        """Change an endpoint; a new image or environment replaces its workers when they are idle.

        Raises:
            Rejected: 400, 404: it, or what it asks for, is not there.
        """
        hosted = self.cloud.find(endpoint)
        before = (hosted.endpoint.image, dict(hosted.endpoint.env))
        self._apply(hosted.endpoint, wish)
        if before != (hosted.endpoint.image, hosted.endpoint.env):
            hosted.fleet.renew()
        return hosted

    def pod(self, pod: str) -> dict[str, Any]:
        """Return a pod; a worker of an endpoint is one too.

        Raises:
            Rejected: 404.
        """
        found = {each["id"]: each for each in self.all_pods(workers=True)}
        if pod not in found:
            raise Rejected(404, f"pod not found: {pod}")
        return found[pod]

    def all_pods(self, *, workers: bool) -> list[dict[str, Any]]:
        """Return the pods, with or without the workers of endpoints."""
        found = list(self.pods.values())
        for hosted in self.cloud.hosted.values() if workers else []:
            found += [
                _pod(each.id, hosted.endpoint.name, hosted.endpoint.image, hosted.endpoint.id)
                for each in hosted.fleet.alive()
            ]
        return found

    def create_pod(self, name: str, image: str) -> dict[str, Any]:
        """Note a pod, which is nothing but a record that costs money until it is deleted."""
        made = _pod(_new_id(), name, image, None)
        self.pods[made["id"]] = made
        return made

    def delete_pod(self, pod: str) -> None:
        """Terminate a pod, or a worker.

        Raises:
            Rejected: 404.
        """
        self.pod(pod)
        if self.pods.pop(pod, None) is None:
            for hosted in self.cloud.hosted.values():
                if (worker := hosted.fleet.find(pod)) is not None:
                    hosted.fleet.kill(worker)

    def _apply(self, endpoint: Endpoint, wish: Wish) -> None:
        if wish.template is not None:
            template = self.template(wish.template)
            endpoint.template, endpoint.image = template.id, template.image
            endpoint.env = dict(template.env)
        if wish.gpus is not None:
            endpoint.gpu, endpoint.gpu_pool = self._first_gpu(wish.gpus)
        if wish.scaler == "REQUEST_COUNT":
            endpoint.scaler_value = int(wish.scaler_value or 1)
        for name, value in _plain(wish).items():
            setattr(endpoint, name, value)
        endpoint.settings |= wish.settings

    def _first_gpu(self, gpus: Sequence[str]) -> tuple[str, str]:
        """Return id and pool of the card that is had: the first one asked for."""
        unknown = [each for each in gpus if each not in self.cloud.catalog]
        if unknown or not gpus:
            raise Rejected(400, f"unknown GPU types: {unknown}")
        return gpus[0], self.cloud.catalog[gpus[0]].pool


def _plain(wish: Wish) -> dict[str, Any]:
    values = {
        "name": wish.name,
        "image": wish.image,
        "env": wish.env,
        "gpu_count": wish.gpu_count,
        "workers_min": wish.workers_min,
        "workers_max": wish.workers_max,
        "idle_timeout_seconds": wish.idle_timeout,
        "execution_timeout_seconds": wish.execution_timeout,
    }
    return {name: value for name, value in values.items() if value is not None}


def _pod(pod: str, name: str, image: str, endpoint: str | None) -> dict[str, Any]:
    return {
        "id": pod,
        "name": name,
        "image": image,
        "endpointId": endpoint,
        "desiredStatus": "RUNNING",
        "costPerHr": "0.44",
    }


def _new_id() -> str:
    return secrets.token_hex(7)
