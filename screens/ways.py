"""The way back of several services, a line each, the worst first: on the home screen and where one is chosen. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from actions.model.words import Gate, HealthState
from screens.cells import Row, cut, fit, row
from screens.glyphs import GATE, HEALTH, UNKNOWN
from screens.words import about, ago, since

if TYPE_CHECKING:
    from actions.model.plan import Readiness
    from screens.home_rows import Home
    from screens.scene import Scene

STALE_SECONDS = 30.0
_HEALTH = {HealthState.DOWN: 0, HealthState.DEGRADED: 1, HealthState.UNKNOWN: 2, HealthState.OK: 3}
_GATE = {Gate.FAIL: 0, Gate.INCONCLUSIVE: 1, Gate.PASS: 2}
_WORD = {Gate.PASS: "READY", Gate.FAIL: "NOT READY", Gate.INCONCLUSIVE: "UNVERIFIED"}


def known(scene: Scene) -> list[str]:
    """Every service whose way back was asked for, whether or not an answer came."""
    lost = (name.removeprefix("readiness ") for name in scene.errors if name.startswith("readiness "))
    return list(dict.fromkeys([*scene.ways, *lost]))


def state_of(scene: Scene, service: str, now: datetime) -> HealthState:
    """The health of a service as it may be shown."""
    health = scene.snapshot.service(service) if scene.snapshot else None
    return HealthState.UNKNOWN if health is None else health.shown_state(now)


def worst_first(services: list[str], scene: Scene, now: datetime) -> list[str]:
    """The sickest first, and of equally sick ones those whose way back is blocked."""

    def rank(name: str) -> tuple[int, int]:
        way = scene.ways.get(name)
        return _HEALTH[state_of(scene, name, now)], _GATE[Gate(way.gate)] if way else 1

    return sorted(services, key=rank)


def ways_rows(home: Home, width: int, height: int) -> list[Row]:
    """One line a service; what does not fit is counted."""
    names = worst_first(known(home.scene), home.scene, home.now)
    labels = min(14, max(len(name) for name in names))
    shown = names if len(names) <= height else names[: height - 1]
    rows = [cut(way_row(name, home.scene, home.now, labels), width) for name in shown]
    rest = [_gate(home.scene, name, home.now) for name in names[len(shown) :]]
    counts = ", ".join(f"{rest.count(gate)} {_WORD[gate].lower()}" for gate in _GATE if gate in rest)
    return [*rows, row((f"  and {counts}", "dim"))] if rest else rows


def way_row(service: str, scene: Scene, now: datetime, labels: int) -> Row:
    """`● api  READY  to 2.4.0 in about 1 s`; what is old or lost says so."""
    health_glyph, health_role = HEALTH[state_of(scene, service, now)]
    lead = row((f"{health_glyph} ", health_role), (fit(service, labels), "bright"), "  ")
    way = scene.ways.get(service)
    error = doubt(way, f"readiness {service}", scene)
    if way is None or error or _old(way, now):
        words = "" if way is None else f"as of {ago(since(way.at, now))} ago"
        said = "  ".join(one for one in (words, error) if one) or "not looked at yet"
        return lead + row((f"{UNKNOWN} ", "warn"), ("UNKNOWN", "warn bold"), (f"  {said}", "dim"))
    gate = Gate(way.gate)
    glyph, role = GATE[gate]
    line = lead + row((f"{glyph} ", role), (_WORD[gate], f"{role} bold"))
    if way.to is not None:
        line += row((" to ", "dim"), (way.to.version, "bright"))
        line += row((f" in about {about(way.expected_seconds)}" if way.expected_seconds is not None else "", "dim"))
    return line + row((f"  {way.reason}" if gate is not Gate.PASS else "", "dim"))


def _gate(scene: Scene, service: str, now: datetime) -> Gate:
    way = scene.ways.get(service)
    lost = bool(doubt(way, f"readiness {service}", scene)) or way is None or _old(way, now)
    return Gate.INCONCLUSIVE if way is None or lost else Gate(way.gate)


def doubt(way: Readiness | None, source: str, scene: Scene) -> str:
    """Why what was seen of a way back may not hold any more; empty when it does.

    Nothing can be rolled back while the record is in trouble: a way back that was ready before is not shown as that.
    """
    return scene.errors.get(source, "") or (scene.trouble if way is not None and way.gate == Gate.PASS else "")


def _old(way: Readiness, now: datetime) -> bool:
    return (since(way.at, now) or 0.0) > STALE_SECONDS
