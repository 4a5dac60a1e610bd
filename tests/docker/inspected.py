"""What the engine says of a container before and after: whatever differs without a reason on the list."""

import json
import re
from collections.abc import Iterator
from typing import Any

ALLOWED = {
    r"Id|Created|State\..*|RestartCount": "it is another container",
    r"Image|Config\.Image": "it is another release",
    r"Config\.Env\.VERSION|Config\.Labels\.org\.opencontainers\.image\.version": "the image brings its own",
    r"Config\.Labels\.vq-tui\..*": "who made it, from what",
    r"Config\.Labels\.com\.docker\.compose\.(config-hash|image)": "what Compose goes by, for the release that runs now",
    r"(LogPath|HostnamePath|HostsPath|ResolvConfPath)": "named after the id",
    r"GraphDriver\..*": "its own layer",
    r"NetworkSettings\.(SandboxID|SandboxKey|EndpointID)": "made by the engine for every start",
    r"NetworkSettings\.Networks\.[^.]+\.(EndpointID|DNSNames)": "made by the engine for every start",
    r"NetworkSettings\.(Networks\.[^.]+\.)?(IPAddress|MacAddress)": "given by the engine where none was asked for",
    r"HostConfig\.Binds|HostConfig\.Mounts": "nameless volumes are named, or they would be empty ones",
    r"Mounts\./(anonymous|nameless)\.Mode": "nameless volumes are named, and a name has the mode z",
}


def flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from flat(inner, f"{path}.{name}" if path else name)
    else:
        yield path, json.dumps(value, sort_keys=True)


def described(body: dict[str, Any]) -> dict[str, str]:
    """The whole description by paths; what has no order is put in one."""
    config = dict(body["Config"])
    if config["Hostname"] == body["Id"][:12]:
        config["Hostname"] = "its id"
    config["Env"] = dict(entry.split("=", 1) for entry in config["Env"])
    networks = {
        name: {**one, "Aliases": sorted(alias for alias in one["Aliases"] or [] if alias != body["Id"][:12])}
        for name, one in body["NetworkSettings"]["Networks"].items()
    }
    settings = {**body["NetworkSettings"], "Networks": networks}
    host = {**body["HostConfig"], "PortBindings": _ports(body)}
    mounts = {one["Destination"]: one for one in body["Mounts"]}
    return dict(flat({**body, "Config": config, "HostConfig": host, "NetworkSettings": settings, "Mounts": mounts}))


def _ports(body: dict[str, Any]) -> dict[str, Any]:
    """Published ports; one chosen by the engine, freely or from a range, is the one that it has."""
    asked, actual = body["HostConfig"]["PortBindings"] or {}, body["NetworkSettings"]["Ports"]
    return {port: named if named[0]["HostPort"].isdecimal() else actual[port] for port, named in asked.items()}


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[str | None, str | None]]:
    """What differs without a reason."""
    old, new = described(before), described(after)
    reasons = re.compile("|".join(f"({one})" for one in ALLOWED))
    differing = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
    return {path: (old.get(path), new.get(path)) for path in sorted(differing) if not reasons.fullmatch(path)}
