"""The real client's side: kubeconfig files and API clients."""

from pathlib import Path
from typing import Any

import yaml


def write(path: Path, url: str, token: str, user: str, context: str, namespace: str) -> Path:
    """Write a kubeconfig, or add a context to the one that is there; the added context becomes the current one."""
    held: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "clusters": [], "users": [], "contexts": []}
    if path.exists():
        held = yaml.safe_load(path.read_text())
    entries = {
        "clusters": {"name": context, "cluster": {"server": url}},
        "users": {"name": f"{user}@{context}", "user": {"token": token}},
        "contexts": {
            "name": context,
            "context": {"cluster": context, "user": f"{user}@{context}", "namespace": namespace},
        },
    }
    for section, entry in entries.items():
        held[section] = [one for one in held[section] if one["name"] != entry["name"]] + [entry]
    held["current-context"] = context
    path.write_text(yaml.safe_dump(held))
    path.chmod(0o600)
    return path


def api_client(url: str, token: str) -> Any:
    """A `kubernetes.client.ApiClient` with this bearer token; nothing is read from the environment or from files."""
    from kubernetes import client

    configuration = client.Configuration()
    configuration.host = url
    configuration.api_key = {"authorization": token, "BearerToken": token}
    configuration.api_key_prefix = {"authorization": "Bearer", "BearerToken": "Bearer"}
    return client.ApiClient(configuration)
