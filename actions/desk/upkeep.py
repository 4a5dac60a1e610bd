"""What an operator's session does outside of runs: tidy where no keeper does, and lift a pin."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from actions.ledger.writer import LedgerWriter
from actions.model.environment import Environment
from actions.model.errors import Busy, Refused, VqError
from actions.model.identity import short_id
from actions.model.platform import LiftedPin
from actions.model.record import ChangeNote
from actions.platforms.access import WriteAccess
from actions.releases.upkeep import keep_up

if TYPE_CHECKING:
    from actions.desk.operator import Operator

log = logging.getLogger(__name__)


async def tidy(name: str, environment: Environment, writer: LedgerWriter) -> None:
    """Once, unless a keeper does it; troubles are logged, as they are no business of whoever looks at the console."""
    access = WriteAccess(name, environment)
    try:
        if not (await asyncio.to_thread(writer.keeper)).alive:
            await keep_up(access, writer, "console")
    except VqError as error:
        log.warning("nothing was tidied: %s", error.message)
    finally:
        await access.close()


async def lift_pins(operator: "Operator", service: str) -> tuple[LiftedPin, ...]:
    """Lift every pin of the service, each as it is seen now. Raises Busy while a run is under way, Refused for none."""
    writer, name = operator.writer, operator.environment_name
    active = await asyncio.to_thread(writer.active, name)
    if active is not None:
        raise Busy(f"run {short_id(active.id)} is under way and may write the pin: wait for its end")
    access = WriteAccess(name, operator.environment)
    try:
        lifted = [one for slot in access.slots(service) for one in await _lift(access, service, slot)]
    finally:
        await access.close()
    if not lifted:
        raise Refused(f"nothing pins {service}: the next deploy brings what its own files name")
    for one in lifted:
        text = f"{service}: pin to {one.pin.version} lifted, {one.done}"
        note = ChangeNote(
            environment=name, at=datetime.now(UTC), kind="pin", subject=service, text=text, by=operator.operator
        )
        await asyncio.to_thread(writer.note_change, note)
    return tuple(lifted)


async def _lift(access: WriteAccess, service: str, slot: str) -> list[LiftedPin]:
    facts = await access.observe(service, slot)
    upkeep = await asyncio.to_thread(access.upkeep, service, slot) if facts.pin is not None else None
    if facts.pin is None or upkeep is None:
        return []
    try:
        return [LiftedPin(pin=facts.pin, done=await upkeep.lift_pin(facts.pin))]
    finally:
        await upkeep.close()
