"""What a recreated container takes over from the one it replaces. Pure.

`HostConfig` goes over verbatim. `Config` goes over without what the *current image* brought: those values belong to
that image, and copying them would keep them alive on the other one (fact 12).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actions.platforms.compose.labels import COMPOSE, OURS

Body = dict[str, Any]

_WHOLE = ("WorkingDir", "User", "StopSignal", "Shell", "OnBuild", "ArgsEscaped")
"""Fields that are either the image's or the container's own, never a mixture."""


@dataclass(frozen=True)
class Recreation:
    """A raw body for the creation; the endpoints to connect afterwards by network id, and those networks' names."""

    body: Body
    networks: dict[str, Body]
    names: dict[str, str]


def recreation(old: Body, old_image: Body, image: str, labels: Mapping[str, str]) -> Recreation:
    """How to make `old` again from `image`. `labels` are added to, or replace, the ones carried over."""
    config = own_config(old["Config"], old_image.get("Config") or {})
    _hostname(config, old)
    config["Image"] = image
    kept = {name: value for name, value in (config.get("Labels") or {}).items() if not name.startswith(OURS)}
    config["Labels"] = {**kept, **labels}
    return _whole(config, old)


def same_again(old: Body, labels: Mapping[str, str]) -> Recreation:
    """How to make `old` again exactly as it was, with its image and its values (the way back when it was removed)."""
    config = dict(old["Config"])
    _hostname(config, old)
    config["Image"] = old["Image"]
    config["Labels"] = {**(config.get("Labels") or {}), **labels}
    return _whole(config, old)


def loosened(wanted: Recreation, old: Body) -> Recreation | None:
    """The same, but a port chosen from a range or freely may become another one of it; None where none was."""
    asked = old["HostConfig"].get("PortBindings") or {}
    host = wanted.body["HostConfig"]
    if asked == (host.get("PortBindings") or {}):
        return None
    body = {**wanted.body, "HostConfig": {**host, "PortBindings": asked}}
    return Recreation(body, wanted.networks, wanted.names)


def _whole(config: Body, old: Body) -> Recreation:
    primary, others, names = endpoints(old)
    body = {**config, "HostConfig": host_config(old)}
    if primary:
        body["NetworkingConfig"] = {"EndpointsConfig": primary}
    return Recreation(body, others, names)


def own_config(config: Body, image: Body) -> Body:
    """`config` without what equals the image's defaults."""
    own = dict(config)
    defaults = set(image.get("Env") or [])
    own["Env"] = [entry for entry in config.get("Env") or [] if entry not in defaults]
    for field in ("Volumes", "ExposedPorts"):
        own[field] = _without(config.get(field) or {}, image.get(field) or {})
    labels = config.get("Labels") or {}
    compose = {
        name: value for name, value in labels.items() if name.startswith(COMPOSE)
    }  # images Compose built have some
    own["Labels"] = {**_without(labels, image.get("Labels") or {}), **compose}
    for field in _WHOLE:
        if field in own and own[field] == image.get(field):
            del own[field]
    _command(own, config, image)
    _healthcheck(own, config.get("Healthcheck"), image.get("Healthcheck"))
    return own


def _without(said: Body, brought: Body) -> Body:
    return {name: value for name, value in said.items() if name not in brought or brought[name] != value}


def _command(own: Body, config: Body, image: Body) -> None:
    """The engine inherits an image's Cmd only together with its Entrypoint, so the two go over together."""
    entrypoint, command = config.get("Entrypoint") or [], config.get("Cmd") or []
    if entrypoint == (image.get("Entrypoint") or []):
        own.pop("Entrypoint", None)
        if command == (image.get("Cmd") or []):
            own.pop("Cmd", None)
    elif not entrypoint:
        own["Entrypoint"] = []  # cleared on purpose: an empty list is not inherited, an absent one is


def _healthcheck(own: Body, said: Body | None, brought: Body | None) -> None:
    """The engine merges healthchecks field by field; absent and zero fields are inherited."""
    if not said:
        own.pop("Healthcheck", None)
        return
    brought = brought or {}
    kept = {name: value for name, value in said.items() if brought.get(name) != value}
    if kept:
        own["Healthcheck"] = kept
    else:
        own.pop("Healthcheck", None)


def _hostname(config: Body, old: Body) -> None:
    mode = str(old["HostConfig"].get("NetworkMode") or "")
    shares = mode == "host" or mode.startswith("container:") or old["HostConfig"].get("UTSMode") == "host"
    if shares or config.get("Hostname") == old["Id"][:12]:
        config.pop("Hostname", None)
    if shares:
        config.pop("Domainname", None)


def host_config(old: Body) -> Body:
    """`HostConfig` verbatim, but for two things that would otherwise change under the users' feet.

    Every anonymous volume is named, or a fresh, empty one would appear; a published port that was chosen from a range
    or freely keeps the number it has now, or whoever points at it would lose it.
    """
    host: Body = dict(old["HostConfig"])
    if host.get("PortBindings"):
        host["PortBindings"] = _ports(host["PortBindings"], old["NetworkSettings"].get("Ports") or {})
    binds = list(host.get("Binds") or [])
    mounts = [dict(mount) for mount in host.get("Mounts") or []]
    known = {bind.split(":")[1] for bind in binds if ":" in bind}
    for mount in old.get("Mounts") or []:
        if mount.get("Type") != "volume" or mount.get("Destination") in known:
            continue
        declared = next((one for one in mounts if one.get("Target") == mount["Destination"]), None)
        if declared is not None:
            declared["Source"] = declared.get("Source") or mount["Name"]
        else:
            binds.append(f"{mount['Name']}:{mount['Destination']}" + ("" if mount.get("RW", True) else ":ro"))
    host["Binds"] = binds or None
    if mounts:
        host["Mounts"] = mounts
    return host


def _ports(declared: Body, actual: Body) -> Body:
    kept = {}
    for port, bindings in declared.items():
        now = [one.get("HostPort") for one in actual.get(port) or []]
        loose = len(bindings or []) == 1 and not str(bindings[0].get("HostPort", "")).isdecimal() and now
        kept[port] = [{**bindings[0], "HostPort": now[0]}] if loose else bindings
    return kept


def endpoints(old: Body) -> tuple[dict[str, Body], dict[str, Body], dict[str, str]]:
    """The one endpoint to create with (API < 1.44 accepts one), the others by network id, and their networks' names."""
    mode = str(old["HostConfig"].get("NetworkMode") or "default")
    if mode.startswith("container:") or mode in ("host", "none"):
        return {}, {}, {}
    primary: dict[str, Body] = {}
    others: dict[str, Body] = {}
    names: dict[str, str] = {}
    for name, settings in (old["NetworkSettings"].get("Networks") or {}).items():
        endpoint = _endpoint(settings, old["Id"])
        if name == mode or settings.get("NetworkID") == mode or (name == "bridge" and mode in ("default", "bridge")):
            if name != "bridge":
                primary[mode] = endpoint
        else:
            network = str(settings.get("NetworkID") or name)
            others[network], names[network] = endpoint, name
    return primary, others, names


def _endpoint(settings: Body, old_id: str) -> Body:
    """What was asked for, without what the engine assigned (addresses, its own alias)."""
    endpoint: Body = {}
    for field in ("IPAMConfig", "Links", "DriverOpts", "GwPriority"):
        if settings.get(field) is not None:
            endpoint[field] = settings[field]
    aliases = [alias for alias in settings.get("Aliases") or [] if alias != old_id[:12]]
    if aliases:
        endpoint["Aliases"] = aliases
    return endpoint
