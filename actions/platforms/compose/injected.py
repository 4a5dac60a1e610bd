"""Files that Compose puts into a container between its creation and its start: inline configs, secrets of variables.

The engine's description of a container says nothing of them, so they are recognised in its file system: Compose writes
their time in whole seconds, right after the creation, while files that programs write carry fractions of a second.
"""

import asyncio
import io
import tarfile
import time
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any

from actions.clients.docker.errors import Missing
from actions.clients.docker.reader import DockerReader
from actions.clients.docker.writer import DockerWriter
from actions.model.errors import Refused, VerifyFailed
from actions.model.text import clean
from actions.platforms.compose import labels
from actions.platforms.compose.calls import call
from actions.platforms.compose.observe import when

Body = dict[str, Any]

_SECONDS = 20.0
_LOOKED_AT = 400
"""Changed paths that are looked at; secrets and what lies highest come first."""
_WINDOW = (timedelta(seconds=-1), timedelta(minutes=2))
"""How long after the creation Compose's files are dated; their time is rounded to a second."""
_DIRECTORY = 1 << 31
_GONE = 2


async def archive_of(reader: DockerReader, container: Body) -> bytes:
    """A tar archive of what Compose put into the container; empty when that is nothing.

    Raises Refused where it could not be put into another container of the same settings.
    """
    if labels.labels_of(container).get(labels.COMPOSE_VERSION, "1.").startswith("1."):
        return b""  # Compose 1 knows no such files
    changes = await reader.changes(container["Id"], _SECONDS)
    paths = candidates(changes, [str(one.get("Destination")) for one in container.get("Mounts") or []])
    seen = await asyncio.gather(*(_is_injected(reader, container, path) for path in paths))
    found = [path for path, injected in zip(paths, seen, strict=True) if injected]
    if not found:
        return b""
    if container["HostConfig"].get("ReadonlyRootfs"):
        raise Refused(
            f"Compose put {clean(', '.join(found), limit=200)} into {clean(labels.name_of(container), limit=100)}, "
            "whose file system is read-only: they could not be put into another one; deploy with Compose instead"
        )
    return joined({path: await reader.file(container["Id"], path) for path in found})


def candidates(changes: list[Body], mounts: list[str]) -> list[str]:
    """Paths that may be such files: changed or added, nothing below them, in no mount."""
    paths = {str(one["Path"]) for one in changes if one.get("Kind") != _GONE}
    above = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    mounted = [PurePosixPath(one) for one in mounts]
    leaves = [
        path
        for path in paths - above
        if not any(PurePosixPath(path) == one or one in PurePosixPath(path).parents for one in mounted)
    ]
    return sorted(leaves, key=lambda one: (not one.startswith("/run/secrets/"), one.count("/"), one))[:_LOOKED_AT]


async def _is_injected(reader: DockerReader, container: Body, path: str) -> bool:
    try:
        stat = await reader.file_stat(container["Id"], path)
    except Missing:
        return False
    created, written = when(container.get("Created")), when(stat.get("mtime"))
    if created is None or written is None or written.microsecond or int(stat.get("mode") or 0) & _DIRECTORY:
        return False
    return "." not in str(stat["mtime"]) and _WINDOW[0] <= written - created <= _WINDOW[1]


def joined(archives: dict[str, bytes]) -> bytes:
    """One archive of the files in `archives`, by their whole paths."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as target:
        for path, raw in archives.items():
            with tarfile.open(fileobj=io.BytesIO(raw)) as source:
                for member in source.getmembers():
                    if member.isreg():
                        content = source.extractfile(member)
                        member.name, member.mode, member.pax_headers = path.lstrip("/"), member.mode & 0o7777, {}
                        member.mtime = int(member.mtime)
                        target.addfile(member, content)
    return buffer.getvalue()


def listed(archive: bytes) -> dict[str, int]:
    """Sizes of the files of an archive by their paths."""
    if not archive:
        return {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as source:
        return {f"/{member.name}": member.size for member in source.getmembers()}


def dated(archive: bytes) -> bytes:
    """The archive with its files dated now, so that they are recognised again in their new place."""
    buffer, now = io.BytesIO(), int(time.time())
    with tarfile.open(fileobj=io.BytesIO(archive)) as source, tarfile.open(fileobj=buffer, mode="w") as target:
        for member in source.getmembers():
            member.mtime = now
            target.addfile(member, source.extractfile(member))
    return buffer.getvalue()


async def put(reader: DockerReader, writer: DockerWriter, container: str, archive: bytes) -> None:
    """Put the files of an archive into a container that was not started yet. Raises VerifyFailed when one is absent."""
    if not archive:
        return
    await call("files", writer.put, container, await asyncio.to_thread(dated, archive))
    wanted = listed(archive)
    there = await asyncio.gather(*(_size(reader, container, path) for path in wanted))
    wrong = [path for path, size in zip(wanted, there, strict=True) if size != wanted[path]]
    if wrong:
        raise VerifyFailed(f"files of Compose did not arrive in {container[:12]}: {clean(', '.join(wrong), limit=200)}")


async def absent(reader: DockerReader, container: str, archive: bytes) -> list[str]:
    """Files of an archive that a container lacks; a program may have changed them since."""
    wanted = listed(archive)
    there = await asyncio.gather(*(_size(reader, container, path) for path in wanted))
    return [path for path, size in zip(wanted, there, strict=True) if size is None]


async def _size(reader: DockerReader, container: str, path: str) -> int | None:
    try:
        return int((await reader.file_stat(container, path))["size"])
    except Missing:
        return None
