"""The keeper's process: `python -m actions.keeper.main --ledger DIR --config FILE`. SIGTERM ends it cleanly."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from actions.model.errors import VqError


def main(arguments: Sequence[str] | None = None) -> int:
    """Be the keeper; with --detach in the background, away from any terminal."""
    parser = argparse.ArgumentParser(prog="vq-tui keeper")
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--detach", action="store_true")
    given = parser.parse_args(arguments)
    if given.detach:
        # Nothing was imported that has threads, so forking is safe; the parent of the keeper is init, not a console.
        if os.fork():
            return 0
        os.setsid()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.chdir("/")
    return keep(given.ledger, given.config)


def keep(ledger: Path, config: Path) -> int:
    """Observe until SIGTERM or Ctrl-C. Raises Busy when another keeper holds the ledger, ConfigError, LedgerError."""
    from actions.keeper.keeping import Keeping

    async def live() -> None:
        keeping = Keeping(ledger, config, say)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, keeping.stop)
        await keeping.run()

    asyncio.run(live())
    return 0


def say(text: str) -> None:
    """One line of the keeper's log. One on a full disk, or whose reader is gone, takes none; the watch goes on."""
    with suppress(OSError):
        sys.stderr.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}\n")
        sys.stderr.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except VqError as error:
        say(error.message)
        sys.exit(int(error.code))
