"""Which API server is meant and as whom it is asked, from kubeconfig files or from inside a pod.

Read as kubectl reads it. The `kubernetes` package can do so as well, but importing it costs half a second of processor
in the console and again in every executor; only what it alone knows is left to it, see `kubernetes_identity`.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from actions.model.errors import ConfigError
from actions.model.text import clean

Json = dict[str, Any]
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds the token and the authority of its service account."""


@dataclass(frozen=True)
class Target:
    """A server and an identity. `cluster` and `user` are the entries of a kubeconfig; they may hold secrets."""

    server: str
    cluster: Json = field(repr=False)
    user: Json = field(repr=False)
    cluster_folder: Path = Path()
    user_folder: Path = Path()
    context: str | None = None
    files: tuple[Path, ...] = ()

    def authority(self) -> str | None:
        """The PEM text of the authorities to trust, None for those of the system. Raises OSError, ValueError."""
        held = held_data(self.cluster, "certificate-authority", self.cluster_folder)
        return None if held is None else held.decode("ascii", "ignore")


def held_data(entry: Json, key: str, folder: Path) -> bytes | None:
    """What stands in the entry itself, else in the file that it names. Raises OSError, ValueError."""
    from base64 import b64decode

    if data := entry.get(f"{key}-data"):
        return b64decode(str(data))
    return (folder / Path(str(entry[key])).expanduser()).read_bytes() if entry.get(key) else None


def kubeconfigs(kubeconfig: Path | None) -> list[Path]:
    """Where the kubeconfig may lie: as configured, else in $KUBECONFIG, else in the home directory."""
    named = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    paths = [kubeconfig] if kubeconfig else [Path(part) for part in named] or [Path.home() / ".kube" / "config"]
    return [path.expanduser() for path in paths]


def target(kubeconfig: Path | None, context: str | None) -> Target:
    """The server and the identity that are configured. Blocking. Raises ConfigError."""
    if context is None and kubeconfig is None:
        return _in_cluster()
    files = [path for path in kubeconfigs(kubeconfig) if path.is_file()]
    if not files:
        names = ", ".join(map(str, kubeconfigs(kubeconfig)))
        raise ConfigError(f"no kubeconfig at {names}; log in to the cluster, or correct 'kubeconfig'")
    try:
        return _chosen(files, context)
    except (yaml.YAMLError, OSError, ValueError) as error:  # a login may be writing it right now
        place = kubeconfig or "the default kubeconfig"
        raise ConfigError(f"{place}: {clean(error, limit=300)}; check 'kubeconfig' and 'context'") from None


def _in_cluster() -> Target:
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT", "")
    if not host or not port or not (ACCOUNT / "token").is_file():
        raise ConfigError(
            "in-cluster configuration: this is no pod with a service account; set 'kubeconfig' or 'context'"
        )
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    cluster, user = {"certificate-authority": str(ACCOUNT / "ca.crt")}, {"tokenFile": str(ACCOUNT / "token")}
    return Target(server, cluster, user)


def _chosen(files: list[Path], context: str | None) -> Target:
    """The context from all files together: whichever names something first is right. Raises ValueError."""
    current = ""
    sections: dict[str, dict[str, tuple[Json, Path]]] = {"clusters": {}, "users": {}, "contexts": {}}
    for path in files:
        held = yaml.safe_load(path.read_text())
        if not isinstance(held, dict):
            raise ValueError("it holds no kubeconfig")
        current = current or str(held.get("current-context") or "")
        for section, found in sections.items():
            for name, entry in _entries(held, section):
                found.setdefault(name, (entry, path.absolute().parent))
    name = context or current
    if not name:
        raise ValueError("no context is current")
    chosen, _ = _named(sections, "contexts", name)
    cluster, cluster_folder = _named(sections, "clusters", str(chosen.get("cluster", "")))
    user, user_folder = _named(sections, "users", str(chosen["user"])) if chosen.get("user") else ({}, Path())
    server = str(cluster.get("server") or "")
    if not server.startswith(("http://", "https://")):
        raise ValueError(f"the server of cluster '{chosen.get('cluster')}' is no http:// or https:// address")
    return Target(server.rstrip("/"), cluster, user, cluster_folder, user_folder, name, tuple(files))


def _entries(held: Json, section: str) -> list[tuple[str, Json]]:
    entries = held.get(section) or []
    if not isinstance(entries, list) or not all(isinstance(one, dict) and "name" in one for one in entries):
        raise ValueError(f"'{section}' is no list of named entries")
    return [(str(one["name"]), _mapping(one.get(section[:-1]), section, one["name"])) for one in entries]


def _mapping(value: object, section: str, name: object) -> Json:
    if not isinstance(value, dict | None):
        raise ValueError(f"'{name}' in '{section}' holds no settings")
    return value or {}


def _named(sections: dict[str, dict[str, tuple[Json, Path]]], section: str, name: str) -> tuple[Json, Path]:
    known = sections[section]
    if name not in known:
        raise ValueError(f"no '{name}' in '{section}' (there are: {', '.join(known) or 'none'})")
    return known[name]
