"""Names and labels: how containers of a service, and what we make ourselves, are recognised."""

import re
from collections.abc import Container, Mapping
from typing import Any

from actions.model.identity import short_id

COMPOSE = "com.docker.compose."
PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
ONE_OFF = "com.docker.compose.oneoff"
NUMBER = "com.docker.compose.container-number"
CONFIG_HASH = "com.docker.compose.config-hash"
CONFIG_FILES = "com.docker.compose.project.config_files"
WORKING_DIR = "com.docker.compose.project.working_dir"
ENVIRONMENT_FILES = "com.docker.compose.project.environment_file"
COMPOSE_VERSION = "com.docker.compose.version"
COMPOSE_IMAGE = "com.docker.compose.image"

OURS = "vq-tui."
"""Prefix of our own labels; none of them is ever carried over to another container."""
RUN = "vq-tui.run"
STEP = "vq-tui.step"
REPLACES = "vq-tui.replaces"
RESTORES = "vq-tui.restores"
"""On a container that a way back made again because the old one was gone: the id of that one."""
IMAGE_NAME = "vq-tui.image"
TRIAL = "vq-tui.trial"
"""On a stand-in: the id of the container that is replaced."""
STANDS_FOR = "vq-tui.stands-for"
"""On a stand-in: project and service."""
PLACE = "vq-tui.place"
"""On a stand-in: the name of the replica."""
SIZE = "vq-tui.size"
"""On a stand-in: how many replicas the service had."""
CARRIED = "vq-tui.carried"
"""On a stand-in: the labels of the replica, as JSON."""
EVIDENCE = "vq-tui.evidence"
EVIDENCE_SINCE = "vq-tui.evidence.since"

KEEP_REPOSITORY = "vq-tui/keep"
EVIDENCE_REPOSITORY = "vq-tui/evidence"

_NO_NAME = re.compile(r"[^a-z0-9]+")
_FAILED = re.compile(r"_failed_[0-9a-z]{6}$")
_PUT_AWAY = re.compile(r"_(prev|failed)_[0-9a-z]{6}$")


def keep_repository(project: str | None, service: str) -> str:
    """The repository of the names that keep a service's good images from being pruned; it says whose they are."""
    parts = [part for part in (project, service) if part is not None]
    return "/".join([KEEP_REPOSITORY, *(_NO_NAME.sub("-", part.lower()).strip("-") or "x" for part in parts)])


def keep_tag(version: str, image: str) -> str:
    """The tag of such a name: the release, and the start of the image's id."""
    shown = re.sub(r"[^A-Za-z0-9_.-]", "-", version).strip(".-")[:100]
    return f"{shown or 'release'}-{image.removeprefix('sha256:')[:12]}"


def run_of(key: str) -> str:
    """The run's id, from a step's idempotency key `run.step`."""
    return key.rpartition(".")[0] or key


def new_name(old_id: str, name: str) -> str:
    """Name of a created container until it takes over `name`, where Compose has no part in it."""
    return f"{old_id[:12]}_{name}"


def trial_name(old_id: str) -> str:
    """Name of the stand-in of that container (see `stand_in`)."""
    return f"vq-tui-trial-{old_id[:12]}"


def service_mark(project: str, service: str) -> str:
    """How a stand-in names the service that it stands for."""
    return f"{project}/{service}"


def replaced_name(name: str, key: str) -> str:
    """Name of the replaced container, kept as undo and evidence."""
    return f"{name}_prev_{short_id(run_of(key)).lower()}"


def failed_name(name: str, key: str) -> str:
    """Name of a new container that is being taken away again."""
    return f"{name}_failed_{short_id(run_of(key)).lower()}"


def labels_of(body: Mapping[str, Any]) -> dict[str, str]:
    """Labels of an inspected container or image, or of a summary."""
    config = body.get("Config")
    found = (config if isinstance(config, dict) else body).get("Labels")
    return found if isinstance(found, dict) else {}


def name_of(body: Mapping[str, Any]) -> str:
    """Name of an inspected container or of a summary, without the slash."""
    names = body.get("Names")
    raw = min(names, key=lambda one: one.count("/")) if isinstance(names, list) and names else body.get("Name")
    return str(raw or "").lstrip("/")


def number_of(body: Mapping[str, Any]) -> int:
    """Number of a replica within its service; 1 where nothing says so."""
    said = labels_of(body).get(NUMBER, "1")
    return int(said) if said.isdecimal() else 1


def put_away(body: Mapping[str, Any]) -> bool:
    """Whether a container is one that we replaced, or one of ours that was taken away again."""
    return bool(_PUT_AWAY.search(name_of(body)))


def place_name(body: Mapping[str, Any]) -> str:
    """The name that a container has, or had before it was put away."""
    return _PUT_AWAY.sub("", name_of(body))


def never_started(body: Mapping[str, Any]) -> bool:
    """Whether it was created and nothing more. Of an inspected container or of a summary."""
    state = body.get("State")
    return (state.get("Status") if isinstance(state, dict) else state) == "created"


def standing(containers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The containers that make up the service now, by number: neither put away nor made but not yet in their place.

    One that was put away for a successor that never came to its place is still the one that makes up the service.
    """
    present = {one["Id"] for one in containers if not put_away(one)}
    every = {one["Id"] for one in containers}
    waiting = [one for one in containers if _waits(one, present, every)]
    left = {labels_of(one).get(REPLACES) for one in waiting}
    left -= {labels_of(one).get(REPLACES) for one in containers if one not in waiting}
    kept = [one for one in containers if one not in waiting and (not put_away(one) or one["Id"] in left)]
    return sorted(kept, key=order)


def _waits(body: Mapping[str, Any], present: Container[object], every: Container[object]) -> bool:
    """Whether it was made for the place of another one and is not in it: never started, or taken away again.

    Where the other one is gone, the place is its own, started or not.
    """
    replaces = labels_of(body).get(REPLACES)
    failed = _FAILED.search(name_of(body)) is not None
    unused = never_started(body) and replaces in every
    return replaces is not None and (replaces in present or unused or failed)


def order(body: Mapping[str, Any]) -> tuple[int, str]:
    """By number, then by name."""
    return number_of(body), name_of(body)
