"""From what is seen serving to what became of each release: soak under health, verdicts by evidence. Pure."""

from collections.abc import Mapping
from datetime import datetime

from actions.model.environment import Policy
from actions.model.health import ServiceHealth
from actions.model.identity import short_id
from actions.model.plan import LeftBehind, Release
from actions.model.platform import Artefact
from actions.model.words import HealthState, Verdict
from actions.releases.own_word import learned, of_another, speaks

GAP_SECONDS = 15.0
"""An observer that was away longer than this did not see the time between; it is not counted as soak."""


def observe(
    environment: str,
    service: str,
    served: dict[str, Artefact],
    health: ServiceHealth | None,
    previous: tuple[Release, ...],
    policy: Policy,
    now: datetime,
    seen_by: str = "",
    left: Mapping[str, LeftBehind] | None = None,
) -> tuple[Release, ...]:
    """The rows that changed: one for each artefact that gets traffic now.

    `served` maps references to the artefacts with a share above 0. Seconds are counted only between two observations
    less than `GAP_SECONDS` (or three intervals) apart, with fresh data and health ok, and only for an artefact that has
    all the traffic: where several share it, health may be another's; failures still count. A release observed down
    starts its soak anew unless it already earned good; bad stays bad. One that a rollback has `left` and that
    serves again has to earn good anew.
    """
    rows = {release.reference: release for release in previous}
    return tuple(
        _advance(
            _back_again(rows[reference], (left or {}).get(reference))
            if reference in rows
            else _first(environment, service, artefact, now, seen_by),
            health,
            policy,
            now,
            previous if len(served) == 1 else None,
        )
        for reference, artefact in served.items()
        if len(served) > 1 or _answers(artefact, health, previous)
    )


def _answers(artefact: Artefact, health: ServiceHealth | None, previous: tuple[Release, ...]) -> bool:
    """False while the outside still answers as another release than the platform reports: wait for them to agree."""
    return health is None or health.state is not HealthState.OK or not of_another(artefact, previous, health)


def _first(environment: str, service: str, artefact: Artefact, now: datetime, seen_by: str) -> Release:
    return Release(
        environment=environment,
        service=service,
        version=artefact.version,
        reference=artefact.reference,
        verdict=Verdict.CANDIDATE,
        first_seen=now,
        last_seen=now,
        verdict_reason="soaking",
        seen_by=seen_by,
        artefact=artefact.model_dump(mode="json"),
    )


def _back_again(release: Release, left: LeftBehind | None) -> Release:
    if left is None or release.verdict is Verdict.BAD:
        return release
    since = release.last_seen if release.verdict is Verdict.CANDIDATE else release.verdict_at
    if since is not None and since > left.at:  # it soaks already, or has earned good, since then
        return release
    return anew(release, f"left by rollback {short_id(left.run_id)}, soaking anew")


def anew(release: Release, reason: str) -> Release:
    """`release` as a candidate whose soak begins again."""
    update: dict[str, object] = {"verdict": Verdict.CANDIDATE, "verdict_reason": reason, "soaked_seconds": 0.0}
    return release.model_copy(update=update | {"samples": 0, "verdict_at": None, "verdict_run": None})


def _advance(
    release: Release, health: ServiceHealth | None, policy: Policy, now: datetime, known: tuple[Release, ...] | None
) -> Release:
    """`known` are all rows, where this release has all the traffic; None where others share it."""
    seen = max(now, release.last_seen)
    change: dict[str, object] = {"last_seen": seen}
    fresh = health is not None and not health.stale(now)
    state = health.state if health is not None and fresh else HealthState.UNKNOWN
    interval = health.interval if health is not None else 0.0
    elapsed = (seen - release.last_seen).total_seconds()
    near = 0 < elapsed <= max(GAP_SECONDS, 3 * interval + 1)
    if health is not None and state is HealthState.OK:
        if known is not None and near and speaks(release, health, seen):
            change |= {"soaked_seconds": release.soaked_seconds + elapsed, "samples": release.samples + 1}
            change["answered"] = learned(release, known, health, seen)
    elif state in (HealthState.DOWN, HealthState.DEGRADED) and elapsed > 0:
        change["failures"] = release.failures + 1
        if state is HealthState.DOWN and release.verdict is Verdict.CANDIDATE:
            change |= {"soaked_seconds": 0.0, "samples": 0}
    return _judge(release.model_copy(update=change), policy, seen)


def _judge(release: Release, policy: Policy, now: datetime) -> Release:
    if release.verdict is not Verdict.CANDIDATE:
        return release
    if release.soaked_seconds < policy.soak_seconds or release.samples < policy.soak_samples:
        return release
    reason = f"healthy for {release.soaked_seconds:.0f} s in {release.samples} samples"
    if release.failures:
        reason += f", {release.failures} others were not"
    if release.answered not in (None, release.version):
        reason += f"; answers as {release.answered}"
    return release.model_copy(update={"verdict": Verdict.GOOD, "verdict_reason": reason, "verdict_at": now})


def marked_bad(release: Release, reason: str, run_id: str | None, now: datetime) -> Release:
    """`release` with the verdict bad; one that is bad already keeps its first reason."""
    if release.verdict is Verdict.BAD:
        return release
    return release.model_copy(
        update={"verdict": Verdict.BAD, "verdict_reason": reason, "verdict_at": now, "verdict_run": run_id}
    )
