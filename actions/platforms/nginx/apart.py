"""A generated include tested by `nginx -t` on its own, before anything is replaced."""

import asyncio
from pathlib import Path

from actions.clients.nginx import NginxReader
from actions.clients.nginx_runners import Output
from actions.model.errors import Refused
from actions.model.files import write_durably
from actions.platforms.nginx.include import sha256

_AROUND = """pid /dev/null;
error_log stderr;
events {{}}
http {{
    access_log off;
    map_hash_bucket_size 512;
    map_hash_max_size 4096;
{include}
}}
"""
"""Wide enough for every address: how wide the real configuration is, the test of the whole tells."""


async def test_beside(client: NginxReader, path: Path, text: str, key: str) -> Output:
    """`text` tested from files beside the live include at `path`, which are removed again."""
    candidate = path.with_name(f".{path.name}.candidate-{key}")
    scratch = path.with_name(f".{path.name}.test-{key}")
    around = _AROUND.format(include=f"    include {client.inside(candidate)};")
    try:
        await asyncio.to_thread(write_durably, candidate, text.encode(), mode=0o644)
        await asyncio.to_thread(write_durably, scratch, around.encode(), mode=0o644)
        return await client.test(scratch)
    finally:
        for leftover in (candidate, scratch):
            leftover.unlink(missing_ok=True)


class Rehearsal:
    """The same asked while planning, without writing anything (the reading half).

    What passed is not tested again: readiness plans the same switch every few seconds.
    """

    def __init__(self, client: NginxReader) -> None:
        self._client = client
        self._passed: set[str] = set()

    async def passes(self, text: str) -> None:
        """Raises Refused with what nginx says against it. In a container, which sees no file of ours, `act` asks."""
        if sha256(text) in self._passed:
            return
        tested = await self._client.test_text(_AROUND.format(include=text))
        if tested is None:
            return
        if tested.code != 0:
            raise Refused(f"the include for this switch would not pass nginx -t: {last_line(tested.text)}")
        self._passed.add(sha256(text))


def last_line(text: str) -> str:
    """The line of nginx's output that says most: the last [emerg], or the last one at all."""
    lines = [line for line in text.splitlines() if line.strip()]
    alarms = [line for line in lines if "[emerg]" in line]
    return (alarms or lines or ["no output"])[-1]
