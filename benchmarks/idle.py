"""A console at rest: ten services every two seconds, 80x24 in tmux's terminal. Bytes, processor, memory."""

import time

from benchmarks.place import PROGRAM, Place, answering, http_services
from benchmarks.table import Figure
from benchmarks.terminal import Terminal

SETTLE_SECONDS, SECONDS = 15.0, 30.0


def measure(place: Place) -> list[Figure]:
    """The embedded stack's api, PostgreSQL, Redis and host, and six HTTP services, under steady traffic."""
    with answering(6) as urls:
        text = place.stack().config.read_text().replace("interval = 1", "interval = 2")
        config = place.config("idle", text + http_services("sandbox", urls))
        with Terminal([*PROGRAM, "--config", str(config)], place.environment) as terminal:
            terminal.shows("READY")
            time.sleep(SETTLE_SECONDS)
            began, bytes_before, (used_before, _) = time.perf_counter(), terminal.total, terminal.usage()
            time.sleep(SECONDS)
            seconds, written, (used, held) = (
                time.perf_counter() - began,
                terminal.total - bytes_before,
                terminal.usage(),
            )
    return [
        Figure("idle: bytes on the wire", written / seconds, "B/s", 1000),
        Figure("idle: processor", 100 * (used - used_before) / seconds, "%", 2),
        Figure("idle: memory", held, "MB", 120),
    ]
