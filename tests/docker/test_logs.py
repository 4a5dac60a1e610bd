"""A log is evidence: it is kept where it can be read, and where it cannot it is in nobody's way."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actions.clients.docker.bounded import BoundedClient
from actions.clients.docker.reader import DockerReader
from actions.model.errors import Unreachable, VerifyFailed
from tests.docker.conftest import Service
from tests.docker.project import HOST, until

pytestmark = pytest.mark.machine("docker")


@pytest.mark.parametrize(("trouble", "says"), [("none", "does not support reading"), ("hangs", "no answer in time")])
async def test_a_log_that_cannot_be_read_does_not_keep_the_bad_release_in_place(
    trouble: str,
    says: str,
    make_service: Callable[..., Service],
    version: Callable[..., str],
    releases: dict[str, str],
    undo: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    version("1.2.0-exit", mode="exit")
    service = make_service()
    old = service.run(releases["1.1.0"], host={"LogConfig": {"Type": "none"}} if trouble == "none" else {})
    change = await service.plan("1.2.0-exit")
    await service.act(change, undo)
    new = service.inspect()["Id"]
    with pytest.raises(VerifyFailed):
        await service.verify(change)
    if trouble == "hangs":

        async def hang(self: DockerReader, container: str, lines: int) -> bytes:
            raise Unreachable("Docker Engine: no answer in time")

        monkeypatch.setattr(DockerReader, "raw_logs", hang)
    assert "serves as before" in (await service.back(change, undo)).text
    assert service.inspect()["Id"] == old and service.all() == {service.name: "running"}
    kept = (undo / f"log-{new[:12]}.txt").read_text()
    assert kept.startswith("the log cannot be read: ") and says in kept


async def test_of_a_log_that_is_too_long_the_last_lines_are_kept(
    service: Service, engine: Any, releases: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "for n in range(2000): print(f'{n:06d}', 'x' * 100, flush=True)"
    service.run(
        releases["1.0.0"], wait=False, host={"RestartPolicy": {}}, Entrypoint=["/python", "-I", "-S", "-c", code]
    )
    until(lambda: service.inspect()["State"]["Status"] == "exited")
    monkeypatch.setattr(BoundedClient, "limit", 100_000)
    reader = DockerReader(HOST)
    kept = (await reader.raw_logs(service.name, 2_000)).splitlines()
    await reader.close()
    assert len(kept) == 200 and kept[-1].startswith(b"001999 ")
