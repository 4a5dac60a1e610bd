"""What speaks against the release that serves, measured of it and of no other; and what is not known yet. Pure."""

from datetime import datetime, timedelta

from actions.model.health import ServiceHealth
from actions.model.plan import LeftBehind
from actions.model.way_back import RollbackFacts
from actions.model.words import Gate, HealthState
from actions.releases.choice import artefacts_at_hand, gone_on_with

JUST_SECONDS = 60.0
"""So long after a rollback the offer of the next one says that there was one."""


def fault(facts: RollbackFacts) -> str:
    """Why one would roll back, as measured now ("errors 7.2 % after release 2.4.1"): the reason, if no other is given.

    Empty when all is well, and when what was measured is of the release before: that is no fault of this one. The
    release is blamed only where the trouble began after it and nothing that it rests on is down.
    """
    health, version = facts.health, _current(facts)
    if health is None or health.state in (HealthState.OK, HealthState.UNKNOWN) or _of_another(health, facts):
        return ""
    errors = next((one for one in health.figures if one.name.replace("_", " ") in ("error rate", "errors")), None)
    if errors is not None and errors.gate is Gate.FAIL and isinstance(errors.value, int | float):
        what = f"errors {errors.value:.1f} %" if errors.unit == "%" else f"errors {errors.value:.1%}".replace("%", " %")
        if len(health.judged) > 1:
            return f"{what} while {' and '.join(health.judged)} answer"
    elif health.state is HealthState.DOWN:
        what = "health down"
    elif health.word == "slow" and health.latency_ms is not None:
        what = f"slow, {health.latency_ms:.0f} ms"
    else:
        what = f"health {health.word}"
    return what + _blame(facts, health, version)


def trouble_since(health: ServiceHealth | None) -> datetime | None:
    """When the present trouble began, as far back as the kept samples reach; None when there is none.

    What was wrong before another version took over is none of its trouble.
    """
    if health is None or health.observed_at is None or health.state in (HealthState.OK, HealthState.UNKNOWN):
        return None
    troubled = 0
    for errors in reversed(health.errors):
        if not errors:
            break
        troubled += 1
    began = health.observed_at - timedelta(seconds=max(0, troubled - 1) * health.interval)
    return began if health.version_since is None else max(began, health.version_since)


def _blame(facts: RollbackFacts, health: ServiceHealth, version: str | None) -> str:
    """What the trouble is put down to: a dependency that is down, the release it began after, or nothing."""
    below = [name for name in facts.others_down if name in facts.data_services]
    if below:
        return f" while {' and '.join(below)} {'is' if len(below) == 1 else 'are'} down"
    if version is None:
        return ""
    reference = facts.choice.current.reference if facts.choice.current else None
    release = next((one for one in facts.releases if one.reference == reference), None)
    began = trouble_since(health)
    older = release is not None and began is not None and began < release.first_seen
    return f" since before release {version}" if older else f" after release {version}"


def note(facts: RollbackFacts) -> str:
    """Beside the fault: that too little is known of the release to find one, and that a rollback just brought it, or
    was left half way."""
    orphan = gone_on_with(facts.orphan) if facts.orphan else ""
    return "; ".join(part for part in (_unknown(facts), _just_left(facts), orphan) if part)


def _unknown(facts: RollbackFacts) -> str:
    health, version = facts.health, _current(facts)
    if health is None or version is None or fault(facts):
        return ""
    rate = health.figure("error rate")
    few = health.version_since is not None and rate is not None and rate.value is None
    return "too few answers yet" if few or _of_another(health, facts) else ""


def _just_left(facts: RollbackFacts) -> str:
    """Which release the last rollback left, where that was a moment ago."""
    left = _newest_left(facts)
    seconds = (facts.at - left.at).total_seconds() if left else JUST_SECONDS
    if left is None or not 0 <= seconds < JUST_SECONDS:
        return ""
    return f"rolled back from {_versions(facts).get(left.reference, left.reference[:19])} {seconds:.0f} s ago"


def _of_another(health: ServiceHealth, facts: RollbackFacts) -> bool:
    """Whether `health` is of answers that another known release gave, or of the time before the last rollback ended.

    A service may name its versions otherwise than the platform does: only a name that is known is another's.
    """
    current, left = _current(facts), _newest_left(facts)
    if left is not None and health.attempted_at is not None and health.attempted_at < left.at:
        return facts.choice.current is not None and left.reference != facts.choice.current.reference
    known = set(_versions(facts).values())
    return bool(health.judged) and current not in health.judged and known.issuperset(health.judged)


def _newest_left(facts: RollbackFacts) -> LeftBehind | None:
    """What the last rollback left; one that is under way has not left anything for good."""
    ended = (one for one in facts.left_behind.values() if one.run_id != facts.active and one.at <= facts.at)
    return max(ended, key=lambda one: one.at, default=None)


def _versions(facts: RollbackFacts) -> dict[str, str]:
    """Versions by reference, of every release that is known or at hand."""
    at_hand = {reference: one.version for reference, one in artefacts_at_hand(facts.slots).items()}
    return at_hand | {one.reference: one.version for one in facts.releases}


def _current(facts: RollbackFacts) -> str | None:
    return facts.choice.current.version if facts.choice.current else None
