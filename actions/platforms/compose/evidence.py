"""Keeping the file system of a container that is about to go, as an image: evidence that never decides anything."""

import re
from datetime import UTC, datetime
from typing import Any

from actions.clients.docker.errors import EngineError, Missing
from actions.clients.docker.reader import DockerReader
from actions.clients.docker.writer import DockerWriter
from actions.model.errors import Ambiguous, Unreachable
from actions.model.identity import short_id
from actions.model.text import clean
from actions.platforms.compose import labels
from actions.platforms.compose.calls import call
from actions.platforms.protocols import Report

_SECONDS = 8.0
"""A large file system takes its time; a rollback waits no longer for a copy of it."""


async def keep_image(
    reader: DockerReader, writer: DockerWriter, container: dict[str, Any], key: str, report: Report
) -> None:
    """Keep its file system once a run. What fails is said: a full disk must not stand in the way of serving again."""
    name, run = labels.name_of(container), labels.run_of(key)
    tag = re.sub(r"[^A-Za-z0-9_.-]", "-", f"{short_id(run).lower()}-{name}")[:120]
    since = datetime.now(UTC).isoformat(timespec="seconds")
    marks = {labels.EVIDENCE: container["Id"], labels.EVIDENCE_SINCE: since, labels.RUN: run}
    try:
        if not await _kept(reader, f"{labels.EVIDENCE_REPOSITORY}:{tag}", container["Id"]):
            await call("evidence", writer.commit, container["Id"], labels.EVIDENCE_REPOSITORY, tag, marks, _SECONDS)
    except Missing:
        raise
    except (EngineError, Ambiguous, Unreachable) as error:
        report(f"the file system of {clean(name, limit=100)} could not be kept: {error.message}")


async def _kept(reader: DockerReader, name: str, container: str) -> bool:
    try:
        return labels.labels_of(await reader.image(name)).get(labels.EVIDENCE) == container
    except Missing:
        return False
