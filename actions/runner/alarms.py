"""Bad news of a run, put into the outbox for every channel of its environment (N1)."""

from typing import TYPE_CHECKING

from actions.ledger.writer import LedgerWriter
from actions.model.identity import short_id

if TYPE_CHECKING:
    from actions.model.environment import Environment


def alarm(ledger: LedgerWriter, run_id: str, environment: "Environment", words: str) -> None:
    """Queue one line for every webhook, once, however often the executor is restarted. Blocking."""
    channels = tuple(environment.notices.webhooks)
    if not channels:
        return
    run = ledger.run(run_id)
    text = f"{run.environment}/{run.service}: run {short_id(run.id)} {words}"
    for channel in channels:
        ledger.queue_notice_once(run.environment, run_id, channel, text, {"state": run.state.value, "drill": run.drill})
