"""The inside of an executor's process: ledger, lock, configuration, clients, then the run."""

import asyncio
import logging
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from actions.ledger import open_writer
from actions.ledger.writer import LedgerWriter
from actions.model.errors import Busy, ExitCode, LedgerError, VqError
from actions.model.words import RunState
from actions.notices.outbox import deliver
from actions.runner.execute import execute
from actions.runner.glass import told_at_once
from actions.runner.heartbeat import Heartbeat
from actions.runner.orders import Orders
from actions.runner.redaction import RedactingFormatter, Redactor, secrets_of
from actions.runner.session import hold
from actions.runner.unconfigured import cannot_begin

if TYPE_CHECKING:
    from actions.model.environment import Environment

NOTICE_SECONDS = 5.0
UPKEEP_SECONDS = 30.0
log = logging.getLogger(__name__)

_EXITS = {
    RunState.SUCCEEDED: ExitCode.OK,
    RunState.NEEDS_OPERATOR: ExitCode.NEEDS_OPERATOR,
    RunState.PAUSED: ExitCode.OK,
}


def carry_out(directory: str, run_id: str) -> int:
    """Carry the run out; every way this can end is one line in the executor's log and an exit status."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    redactor = Redactor()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(redactor))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    for chatty in ("httpx", "httpcore", "docker", "urllib3", "kubernetes", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    started = time.monotonic()
    try:
        with open_writer(Path(directory)) as ledger:
            with hold(ledger, run_id) as token:
                state = _with_configuration(ledger, run_id, token, handler)
            _tell(ledger, run_id)
            _tidy(ledger, run_id)
    except VqError as error:
        log.error("%s", error.message)
        return int(error.code)
    except Exception:
        log.exception("the executor failed; the run stays as its journal says and can be resumed")
        return int(ExitCode.FAILED)
    log.info("run %s: %s after %.2f s", run_id, state.value, time.monotonic() - started)
    return int(_EXITS.get(state, ExitCode.FAILED))


def _tell(ledger: LedgerWriter, run_id: str) -> None:
    """Deliver what the run put into the outbox, once and briefly, its target being free again.

    A channel that is down changes no verdict; the keeper tries again.
    """
    try:
        name, environment = _configured(ledger, run_id)
        sent = asyncio.run(deliver(ledger, {name: environment}, run_id=run_id, seconds=NOTICE_SECONDS))
        log.info("%d notices delivered", sent)
    except VqError as error:
        log.warning("notices were not delivered: %s", error.message)


def _tidy(ledger: LedgerWriter, run_id: str) -> None:
    """Do what a keeper would do outside of runs, where there is none. Whatever happens here is no part of the run."""
    from actions.platforms.access import WriteAccess
    from actions.releases.upkeep import keep_up

    async def tidy(name: str, environment: "Environment") -> tuple[str, ...]:
        access = WriteAccess(name, environment)
        try:
            async with asyncio.timeout(UPKEEP_SECONDS):
                return await keep_up(access, ledger, "upkeep")
        finally:
            await access.close()

    try:
        if not ledger.keeper().alive:
            for line in asyncio.run(tidy(*_configured(ledger, run_id))):
                log.info("%s", line)
    except (VqError, TimeoutError) as error:
        log.warning("nothing was tidied: %s", error if isinstance(error, VqError) else "it took too long")


def _with_configuration(ledger: LedgerWriter, run_id: str, token: int, handler: logging.Handler) -> RunState:
    try:
        name, environment = _configured(ledger, run_id)
    except (LedgerError, Busy):
        raise
    except VqError as error:
        return cannot_begin(ledger, run_id, token, error)
    redactor = Redactor(secrets_of(environment))
    handler.setFormatter(RedactingFormatter(redactor))
    return asyncio.run(_run(ledger, run_id, token, name, environment, redactor))


def _configured(ledger: LedgerWriter, run_id: str) -> tuple[str, "Environment"]:
    from actions.config import choose_environment, load

    return choose_environment(load(ledger.config_path(run_id)), ledger.run(run_id).environment)


async def _run(
    ledger: LedgerWriter, run_id: str, token: int, name: str, environment: "Environment", redactor: Redactor
) -> RunState:
    from actions.platforms.access import WriteAccess
    from actions.runner.versions import at_deadline, known_version, require_known_steps
    from actions.steps.measures import Measures
    from actions.steps.records import Records
    from actions.steps.registry import registry

    run = ledger.run(run_id)
    require_known_steps(ledger.plan(run_id))
    loop = asyncio.get_running_loop()
    beats: list[Heartbeat] = []

    def ready(orders: Orders) -> None:
        orders.listen()
        beats.append(Heartbeat(ledger, run_id, token, lambda: loop.call_soon_threadsafe(orders.lose)))  # type: ignore[arg-type]
        beats[0].start()

    access = WriteAccess(name, environment)
    try:
        async with told_at_once(ledger, run, environment):
            return await execute(
                run_id,
                ledger,
                environment,
                registry,
                access,
                Records(ledger, run_id, token, run.operator),
                Measures(environment, run.service, since=run.started_at),
                fence=token,
                procedure_version=known_version(run.procedure),
                at_deadline=at_deadline(run.procedure),
                redactor=redactor,
                ready=ready,
            )
    finally:
        for beat in beats:
            await asyncio.to_thread(beat.stop)  # it may wait for a ledger that is busy
        await access.close()
