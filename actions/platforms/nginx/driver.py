"""nginx as a traffic driver."""

import asyncio
from urllib.parse import urlsplit

from actions.clients.nginx import NginxReader, NginxWriter
from actions.model.errors import Refused, Unreachable
from actions.model.health import Check
from actions.model.platform import Change, TrafficFacts
from actions.model.text import clean
from actions.model.words import Gate
from actions.model.workloads import NginxTraffic, Slot
from actions.platforms.access import Place
from actions.platforms.nginx import error_log, server_block
from actions.platforms.nginx.apart import Rehearsal, last_line
from actions.platforms.nginx.change import NginxChanger
from actions.platforms.nginx.configuration_text import ConfigurationText
from actions.platforms.nginx.generation import Generations
from actions.platforms.nginx.include import render
from actions.platforms.nginx.observe import MASTER, facts, look, read_marker, writable, written_names

LIBRARIES = ("crossplane",)
"""Imported before any deadline counts."""


def traffic_reader(settings: NginxTraffic, place: Place) -> "NginxTrafficReader":
    """The reading half."""
    return NginxTrafficReader(settings, place, Generations(settings, place))


def traffic_changer(settings: NginxTraffic, place: Place) -> NginxChanger:
    """The writing half."""
    return NginxChanger(settings, NginxWriter(settings), Generations(settings, place))


def beginning(settings: NginxTraffic, slots: dict[str, Slot], slot: str) -> tuple[str, tuple[str, ...]]:
    """The include to begin with, all traffic on `slot`, and the lines people write around it. Raises Refused."""
    if slot not in slots:
        raise Refused(f"no slot '{slot}'; configured: {', '.join(slots)}")
    include = written_names(settings)[0]
    known = {name: addresses(one) for name, one in slots.items()}
    inside = NginxReader(settings).inside(include)
    return server_block.first_include(settings, known, slot), server_block.lines(settings, inside)


class NginxTrafficReader:
    """Observes which colour answers, and plans a switch."""

    def __init__(self, settings: NginxTraffic, place: Place, outside: Generations) -> None:
        self._settings = settings
        self._outside = outside
        self._client = NginxReader(settings)
        self._addresses = {name: addresses(slot) for name, slot in place.slots.items()}
        self._text = ConfigurationText(settings, self._client, place)
        self._rehearsal = Rehearsal(self._client)

    async def observe(self) -> TrafficFacts:
        """Shares as fresh connections tell them, beside what the include says."""
        seen = await look(self._settings, self._client, self._outside, self._settings.proofs)
        if not seen.answers and seen.master.pid is None:
            why = f": {seen.trouble}" if seen.trouble else ""
            raise Unreachable(
                f"nginx at {self._settings.url} does not run ({seen.master.why}) and does not answer{why}"
            )
        marker = await asyncio.to_thread(read_marker, self._settings.include.parent)
        return facts(self._settings, seen, marker)

    async def permissions(self) -> tuple[Check, ...]:
        """Directory writable and unlocked, `nginx -t` passes as things are, and the server block uses the include.

        The error log, where one is named, can be read.
        """
        found = list(await asyncio.to_thread(writable, self._settings))
        if self._settings.error_log is not None:
            found.append(await asyncio.to_thread(error_log.check, self._settings.error_log))
        return (*found, *await self._tested())

    async def _tested(self) -> tuple[Check, ...]:
        """What `nginx -T` says; not asked where nginx does not run, since it would leave an empty pid file there."""
        master = await self._client.master()
        if master.pid is None:
            return (_configuration(Gate.INCONCLUSIVE, f"not tested, no running nginx is found: {master.why}"),)
        dump = await self._client.dump()
        if dump.code != 0:
            advice = "mend the configuration by hand first: a reload would not be applied"
            return (_configuration(Gate.FAIL, clean(last_line(dump.text), limit=300), advice),)
        told = await self._outside.ask(1)
        checks = await self._text.checks(dump, next(iter(told.answers), None))
        return (_configuration(Gate.PASS, "passes"), *checks)

    async def plan_switch(self, facts: TrafficFacts, shares: dict[str, float]) -> Change:
        """These shares, pinned to the file and the generation now live; the step's key becomes the new generation."""
        if unknown := sorted(set(shares) - set(self._addresses)):
            raise Refused(f"no slot named {', '.join(unknown)}; configured: {', '.join(self._addresses)}")
        planned = render(self._settings.upstream, "planned", shares, self._addresses)
        if facts.pins.get("master") is None:
            answers = next((f"{one.evidence}; {one.advice}" for one in facts.notes if one.id == MASTER), "")
            raise Refused(answers or "nginx does not run; start it first")
        await self._rehearsal.passes(planned)
        after = max(shares, key=lambda name: shares[name])
        return Change(
            slot=after,
            action="switch",
            title="switch traffic",
            subject=f"nginx {self._settings.include.name}",
            before=shown(facts.shares),
            after=shown(shares),
            details=_given_up(self._settings, facts),
            params={
                "shares": dict(shares),
                "addresses": {name: list(known) for name, known in self._addresses.items()},
                "before_sha256": facts.pins["sha256"],
                "before_generation": facts.pins["generation"],
                "master": facts.pins["master"],
            },
            expected_seconds=0.5,
            budget_seconds=15,
        )

    async def in_flight(self, slot: str) -> int | None:
        """Old workers that still finish requests; nginx does not count requests by slot, workers stand for them.

        None where they cannot be looked at: that nothing was seen does not mean that nobody is being answered.
        """
        master = await self._client.master()
        return master.draining if master.seen else None

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()
        await self._outside.close()


def addresses(slot: Slot) -> tuple[str, ...]:
    """Where nginx reaches this slot: its `address` (several separated by commas), or host and port of its `url`."""
    if slot.address:
        return tuple(one.strip() for one in slot.address.split(",") if one.strip())
    parts = urlsplit(slot.url or "")
    return (f"{parts.hostname}:{parts.port or 80}",) if parts.hostname else ()


def _configuration(gate: Gate, evidence: str, advice: str = "") -> Check:
    return Check(id="configuration", title="nginx -t", gate=gate, evidence=evidence, advice=advice)


def _given_up(settings: NginxTraffic, facts: TrafficFacts) -> tuple[str, ...]:
    """What a switch does to an include that was not left as generated; it is planned only once that is accepted."""
    if not any(note.id == "drift" for note in facts.notes):
        return ()
    if not facts.pins["sha256"]:
        return ("the missing include is written anew",)
    return (f"the edit by hand is replaced, kept as .{settings.include.name}.prev-…",)


def shown(shares: dict[str, float]) -> str:
    """Shares as people read them: `blue`, or `blue 90 % green 10 %`."""
    given = {name: share for name, share in shares.items() if share > 0}
    if len(given) == 1:
        return next(iter(given))
    return " ".join(f"{name} {share * 100:.0f} %" for name, share in sorted(given.items())) or "unknown"
