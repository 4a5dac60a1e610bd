"""Images for the tests, made from files of this machine: no registry, no network, no build.

The root file system is this interpreter with only the modules the test service needs. It is imported once; every
version is a commit of a container that was never started, so versions differ by environment and labels alone.
"""

import contextlib
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

REPOSITORY = f"vq-test/api-{os.getpid()}"
BASE = f"vq-test/base:{os.getpid()}"
OWNED = "vq-tui-test"
"""Label of everything the tests make; its value is the process that made it: sessions leave each other alone."""

_MODULES = "json, os, signal, socket, sys, threading, time, encodings.idna, encodings.latin_1"


def root_file_system() -> bytes:
    """A tar of the interpreter, its libraries, the modules of the service, and the service."""
    python = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    listed = subprocess.run(
        [python, "-I", "-S", "-c", f"import {_MODULES}; print(*sorted({{m.__file__ for m in sys.modules.values() "
         "if getattr(m, '__file__', None)}), sep='\\n');"],
        capture_output=True, text=True, check=True,
    ).stdout.split("\n")  # fmt: skip
    files = {Path(line) for line in listed if line} | {python}
    for binary in [path for path in files if path.suffix == ".so" or path == python]:
        files |= set(_libraries(binary))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in sorted(files):
            tar.add(path.resolve(), str(path), recursive=False)
        tar.add(Path(__file__).with_name("server.py"), "/server.py")
        _link(tar, "/python", str(python))
    return buffer.getvalue()


def _libraries(binary: Path) -> Iterable[Path]:
    said = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False).stdout
    words = [word for line in said.splitlines() for word in line.split() if word.startswith("/")]
    return [Path(word) for word in words]


def _link(tar: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    tar.addfile(entry)


_users: list[Any] = []


@contextlib.contextmanager
def based(engine: Any) -> Iterator[str]:
    """The base image's id, for as long as anybody in this process uses it; the last one leaves nothing of ours."""
    _users.append(engine)
    try:
        yield make_base(engine)
    finally:
        _users.pop()
        if not _users:
            remove_all(engine)


@contextlib.contextmanager
def released(engine: Any, versions: Mapping[str, str]) -> Iterator[None]:
    """Images of these versions, with the mode of each, until the end of the block."""
    with based(engine):
        try:
            for version, mode in versions.items():
                make_version(engine, version, env={"MODE": mode})
            yield
        finally:
            for version in versions:
                engine.remove_image(f"{REPOSITORY}:{version}", force=True)


def make_base(engine: Any) -> str:
    """The id of the base image: it runs the service, and has no version. Made once."""
    if engine.images(name=BASE):
        return str(engine.inspect_image(BASE)["Id"])
    home = sys.base_prefix
    changes = [
        'ENTRYPOINT ["/python", "-I", "-S", "-B", "/server.py"]',
        f"ENV PYTHONHOME={home}",
        "EXPOSE 8080/tcp",
        f"LABEL {OWNED}={os.getpid()}",
    ]
    repository, _, tag = BASE.partition(":")
    engine.import_image_from_data(root_file_system(), repository=repository, tag=tag, changes=changes)
    return str(engine.inspect_image(BASE)["Id"])


def make_version(
    engine: Any,
    version: str,
    *,
    repository: str = REPOSITORY,
    env: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    changes: Iterable[str] = (),
    tag: str | None = None,
) -> str:
    """An image of that version; its id. `tag` is `version` unless given; an empty one makes no name."""
    container = engine.create_container(BASE)["Id"]
    environment = {"VERSION": version, **(env or {})}
    named = {"org.opencontainers.image.version": version, **(labels or {})}
    words = [f'ENV {name}="{value}"' for name, value in environment.items()]
    words += [f'LABEL "{name}"="{value}"' for name, value in named.items()]
    try:
        names = {} if tag == "" else {"repository": repository, "tag": tag or version}
        return str(engine.commit(container, changes=[*words, *changes], **names)["Id"])
    finally:
        engine.remove_container(container)


def remove_all(engine: Any) -> None:
    """Every image of this session and of ones that were killed; what was made from others goes before those."""
    import docker.errors

    for _ in range(4):
        made = engine.images(filters={"label": OWNED}, all=True)
        for image in [one for one in made if not _alive(one["Labels"][OWNED])]:
            for name in [*_names(image), image["Id"]]:
                with contextlib.suppress(docker.errors.ImageNotFound):  # gone with its last name
                    try:
                        engine.remove_image(name, force=True)
                    except docker.errors.APIError as error:
                        if error.status_code != 409:  # others are made from it still: they go in this round
                            raise


def _names(image: Mapping[str, Any]) -> list[str]:
    """Its names; an image whose name went to a newer one has none."""
    return [name for name in image.get("RepoTags") or [] if name != "<none>:<none>"]


def _alive(process: str) -> bool:
    """Whether another session still uses what it made."""
    return process.isdecimal() and int(process) != os.getpid() and Path(f"/proc/{process}").exists()
