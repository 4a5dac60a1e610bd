"""Bad news of a run, put into the outbox for every channel of its environment."""

from typing import TYPE_CHECKING

from actions.ledger.writer import LedgerWriter
from actions.model.identity import short_id
from actions.model.record import EVERY

if TYPE_CHECKING:
    from actions.model.environment import Environment


def alarm(ledger: LedgerWriter, run_id: str, environment: "Environment", words: str, *, red: bool = False) -> None:
    """Queue one line for every webhook, once, however often the executor is restarted. Blocking."""
    channels = tuple(environment.notices.webhooks)
    if not channels:
        return
    _queue(ledger, run_id, channels, words, red=red)


def alarm_all(ledger: LedgerWriter, run_id: str, words: str) -> None:
    """Queue one line for whatever webhooks there are once the configuration can be read again. Blocking."""
    _queue(ledger, run_id, (EVERY,), words)


def _queue(ledger: LedgerWriter, run_id: str, channels: tuple[str, ...], words: str, *, red: bool = False) -> None:
    run = ledger.run(run_id)
    text = f"{'RED  ' if red else ''}{run.environment}/{run.service}: run {short_id(run.id)} {words}"
    body = {"state": run.state.value, "drill": run.drill} | ({"break_glass": True} if red else {})
    for channel in channels:
        ledger.queue_notice_once(run.environment, run_id, channel, text, body)
