"""Kubeconfig files, and a server that answers to whom they lead."""

import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from actions.clients.kubernetes_api import KubernetesReader
from tests.hostile_http import BadServer, answer, bad_server

Json = dict[str, Any]
PODS = "/api/v1/namespaces/vq/pods"
FOUND = {"kind": "PodList", "items": [], "metadata": {"resourceVersion": "7"}}


def written(path: Path, cluster: Json, user: Json | None = None, name: str = "here") -> Path:
    """A kubeconfig of one context."""
    held = {"current-context": name, "clusters": [{"name": name, "cluster": cluster}]}
    held["users"] = [{"name": name, "user": user or {}}]
    held["contexts"] = [{"name": name, "context": {"cluster": name, "user": name}}]
    path.write_text(yaml.safe_dump(held))
    return path


@asynccontextmanager
async def serving(context: ssl.SSLContext | None = None) -> AsyncIterator[BadServer]:
    async with bad_server(context) as server:
        server.answers = {f"{base}{PODS}": lambda: answer(json.dumps(FOUND).encode()) for base in ("", "/k8s/c-1")}
        yield server


async def asked(path: Path | None, context: str | None = None) -> Json:
    client = KubernetesReader(path, context)
    try:
        return await client.get(PODS)
    finally:
        await client.close()


def encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
