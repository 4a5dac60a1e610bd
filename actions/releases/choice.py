"""Which release a rollback leaves and where it goes: last known good, never merely "previous". Pure."""

from collections.abc import Iterable

from actions.health.soak import soak_progress
from actions.model.errors import ExitCode
from actions.model.identity import short_id
from actions.model.plan import Release
from actions.model.platform import Artefact, InstanceState
from actions.model.way_back import Choice, RollbackFacts, SlotFacts
from actions.model.words import Verdict
from actions.releases.naming import meant
from actions.releases.observe import marked_bad

SERVES = "is live"
_AT_WORK = {InstanceState.RUNNING, InstanceState.RESTARTING}
_TRUST = {Verdict.BAD: 0, Verdict.CANDIDATE: 1, Verdict.GOOD: 2}


def last_known_good(
    releases: Iterable[Release], current: str | None, at_hand: Iterable[str] | None = None
) -> Release | None:
    """The good release that served last and is not the reference `current`; None when there is none.

    With `at_hand` only references among them count: a release that would have to be fetched is not a way back.
    """
    references = None if at_hand is None else set(at_hand)
    good = [
        release
        for release in releases
        if release.verdict is Verdict.GOOD
        and release.reference != current
        and (references is None or release.reference in references)
    ]
    return max(good, key=lambda release: release.last_seen, default=None)


def artefacts_at_hand(slots: Iterable[SlotFacts]) -> dict[str, Artefact]:
    """Every artefact that stands in a slot or could be brought into one, by reference."""
    found: dict[str, Artefact] = {}
    for slot in slots:
        if slot.workload is not None:
            standing = (slot.workload.current,) if slot.workload.current else ()
            for artefact in (*standing, *slot.workload.at_hand):
                found.setdefault(artefact.reference, artefact)
    return found


def serving(facts: RollbackFacts) -> Artefact | None:
    """What serves now. Where several releases serve (a canary, a rolling change), the one with the least trust."""
    rows = {release.reference: release for release in facts.releases}
    served: dict[str, Artefact] = {}
    for slot in facts.slots:
        if facts.shares.get(slot.slot, 0.0) > 0:
            for artefact in _standing(slot):
                served.setdefault(artefact.reference, artefact)

    def trust(artefact: Artefact) -> tuple[int, float]:
        row = rows.get(artefact.reference)
        return (1, float("-inf")) if row is None else (_TRUST[row.verdict], -row.first_seen.timestamp())

    return min(served.values(), key=trust, default=None)


def _standing(slot: SlotFacts) -> tuple[Artefact, ...]:
    if slot.workload is None or slot.workload.current is not None:
        return (slot.current,) if slot.current else ()
    return tuple(
        Artefact(version=one.version or one.reference[:19], reference=one.reference)
        for one in slot.workload.instances
        if one.reference
    )


def choose(facts: RollbackFacts, wanted: str | None = None) -> Choice:
    """The release to go back to and its slot. `wanted` is a version or reference; None means last known good."""
    found = _chosen(_judged(facts), wanted)
    if not found.refusal or facts.orphan is None:
        return found
    return found.model_copy(update={"refusal": f"{found.refusal}; {gone_on_with(facts.orphan)}"})


def gone_on_with(run_id: str) -> str:
    """What to do about a run that nobody carries out any more."""
    name = short_id(run_id)
    return f"run {name} was left half way and nobody carries it out: 'vq-tui runs resume {name}' goes on with it"


def _chosen(facts: RollbackFacts, wanted: str | None) -> Choice:
    rows = {release.reference: release for release in facts.releases}
    available = artefacts_at_hand(facts.slots)
    current = _left_last(facts, available) if _half_made(facts) else serving(facts)
    base = Choice(
        current=current,
        current_release=rows.get(current.reference) if current else None,
        others=tuple(
            one
            for one in facts.releases
            if one.verdict is not Verdict.BAD and one.reference in available and one.reference != _reference(current)
        ),
    )
    refusal, code = _blind(facts)
    if refusal:
        return _refused(base, refusal, code=code)
    picked = _named(wanted, base, facts, available) if wanted else _last_good(base, facts, available)
    return picked if picked.to is None else _place(picked, facts)


def _half_made(facts: RollbackFacts) -> bool:
    """Whether what stands was never started: it is not what a rollback leaves, and may be where it goes."""
    seen = [slot.workload for slot in facts.slots if slot.workload is not None]
    return not facts.has_traffic and bool(seen) and all(one.half_made for one in seen)


def _left_last(facts: RollbackFacts, available: dict[str, Artefact]) -> Artefact | None:
    """The release that the newest rollback was leaving; None where nobody knows of one."""
    left = [one for one in facts.left_behind.values() if one.reference in available]
    return available[max(left, key=lambda one: one.at).reference] if left else None


def _judged(facts: RollbackFacts) -> RollbackFacts:
    """With every release that a rollback has left counted as bad, whether or not that run came to record it."""
    known = {one.reference: one for one in facts.releases}
    at_hand = artefacts_at_hand(facts.slots)
    for reference, left in facts.left_behind.items():
        if reference in at_hand:
            known.setdefault(reference, never_seen(at_hand[reference], facts))
        if reference in known:
            reason = f"left by rollback {short_id(left.run_id)}"
            known[reference] = marked_bad(known[reference], reason, left.run_id, left.at)
    return facts.model_copy(update={"releases": tuple(known.values())})


def _blind(facts: RollbackFacts) -> tuple[str, ExitCode]:
    """Why nothing can be chosen, because too little is seen, and what a command then ends with."""
    if not facts.slots:
        text = f"the workload of '{facts.service}' is not managed here: configure 'workload' or 'slots'"
        return text, ExitCode.CONFIG
    unseen = [slot for slot in facts.slots if slot.workload is None]
    if len(unseen) == len(facts.slots):
        first = unseen[0]
        return f"'{facts.service}' cannot be observed ({first.slot}: {first.error})", first.error_code
    if not facts.shares:
        reason = facts.traffic_error or (facts.traffic.drift if facts.traffic else "") or "no slot answers"
        text = f"which slot is live is not known ({reason}): bring the traffic driver back first"
        return text, facts.traffic_code
    return "", ExitCode.REFUSED


def _last_good(base: Choice, facts: RollbackFacts, available: dict[str, Artefact]) -> Choice:
    current = _reference(base.current)
    fitting = [reference for reference, one in available.items() if _fits(one, facts.schemas.values())]
    best = last_known_good(facts.releases, current, fitting) or last_known_good(facts.releases, current, available)
    if best is not None:
        return base.model_copy(update={"to": best, "artefact": available[best.reference]})
    if facts.unmanaged:
        text = f"the processes of '{facts.service}' are managed elsewhere (workload 'address'), and only observed here"
        return _refused(base, text, code=ExitCode.CONFIG)
    good = [one for one in facts.releases if one.verdict is Verdict.GOOD]
    gone = [one.version for one in good if one.reference != current]
    if gone:
        return _refused(base, f"{', '.join(gone)} earned 'good' but is not at hand: fetch it, or name another release")
    if good:
        how = _how_it_stands(facts, good[0].reference)
        return _refused(base, f"{good[0].version} {how} and is the only release that earned 'good'; name another one")
    now = base.current_release
    progress = f"; {now.version} has {soak_progress(now, facts.policy)}" if now else ""
    return _refused(
        base, f"no release has earned 'good' yet{progress}; choose a release by name to go back all the same"
    )


def _how_it_stands(facts: RollbackFacts, reference: str) -> str:
    """Whether what stands serves: where no instance of it runs, nobody is served by it."""
    seen = [one for slot in facts.slots if slot.workload is not None for one in slot.workload.instances]
    mine = [one.state for one in seen if one.reference == reference]
    return SERVES if not mine or _AT_WORK.intersection(mine) else "stands there already, though no instance of it runs,"


def _fits(artefact: Artefact, schemas: Iterable[int]) -> bool:
    """Whether nothing known speaks against running on these schemas; a misfit is only offered to be refused by name."""
    low, high = artefact.minimum_schema, artefact.maximum_schema
    return all((low is None or low <= one) and (high is None or one <= high) for one in schemas)


def _named(wanted: str, base: Choice, facts: RollbackFacts, available: dict[str, Artefact]) -> Choice:
    rows = {one.reference: one for one in facts.releases if wanted in (one.version, one.reference)}
    artefacts = {one.reference: one for one in available.values() if wanted in (one.version, one.reference)}
    if not rows and not artefacts:
        artefacts = {one.reference: one for one in meant(available.values(), wanted)}
        rows = {one.reference: one for one in facts.releases if one.reference in artefacts or one.answered == wanted}
        artefacts |= {reference: available[reference] for reference in rows if reference in available}
    if not rows and not artefacts:
        names = dict.fromkeys([*(one.version for one in facts.releases), *(one.version for one in available.values())])
        text = f"no release '{wanted}' of '{facts.service}'; known: {', '.join(names) or 'none'}"
        return _refused(base, text, unknown=True)
    references = [one for one in dict.fromkeys([*rows, *artefacts]) if one != _reference(base.current)]
    if not references:
        idle = _how_it_stands(facts, base.current.reference if base.current else "") != SERVES
        return _refused(
            base, f"{wanted} stands there already, though it does not run" if idle else f"{wanted} is live now"
        )
    usable = [one for one in references if one not in rows or rows[one].verdict is not Verdict.BAD]
    if not usable:
        return _refused(base, f"{wanted} is marked bad ({rows[references[0]].verdict_reason}): choose another release")
    usable = [one for one in usable if one in artefacts]
    if not usable:
        return _refused(base, f"{wanted} is not at hand on this platform: fetch it first, or choose another release")
    best = max(usable, key=lambda one: _preference(rows.get(one)))
    release = rows.get(best) or never_seen(artefacts[best], facts)
    return base.model_copy(update={"to": release, "artefact": artefacts[best]})


def _place(choice: Choice, facts: RollbackFacts) -> Choice:
    """The slot the chosen release will serve from: where it already stands ready, else a standby that can take it."""
    assert choice.to is not None
    reference = choice.to.reference
    if not facts.has_traffic:
        return choice.model_copy(update={"slot": facts.slots[0].slot})
    holding = [slot for slot in facts.slots if slot.current and slot.current.reference == reference]
    ready = [slot for slot in holding if slot.workload and slot.workload.ready_count >= max(1, slot.workload.desired)]
    if ready:
        best = max(ready, key=lambda slot: facts.shares.get(slot.slot, 0.0))
        return choice.model_copy(update={"slot": best.slot, "warm": True})
    standby = [slot for slot in facts.slots if slot.workload and facts.shares.get(slot.slot, 0.0) == 0]
    able = [slot for slot in standby if slot in holding] + [
        slot
        for slot in standby
        if any(one.reference == reference for one in slot.workload.at_hand)  # type: ignore[union-attr]
    ]
    if able:
        return choice.model_copy(update={"slot": able[0].slot})
    silent = [slot for slot in facts.slots if slot.workload is None and not facts.shares.get(slot.slot)]
    if not standby and silent:
        why = "; ".join(f"{slot.slot}: {slot.error or 'no answer'}" for slot in silent)
        return _refused(
            choice, f"whether {choice.to.version} can be brought into the standby slot is not known ({why})",
            code=silent[0].error_code,
        )  # fmt: skip
    if not standby:
        split = ", ".join(f"{slot} {share:.0%}" for slot, share in facts.shares.items() if share)
        return _refused(
            choice, f"traffic is split ({split}) and no slot is free for {choice.to.version}: end the split first"
        )
    names = ", ".join(slot.slot for slot in standby)
    return _refused(choice, f"{choice.to.version} cannot be brought into the standby slot ({names}): not at hand there")


def _preference(release: Release | None) -> tuple[int, float]:
    return (0, 0.0) if release is None else (_TRUST[release.verdict], release.last_seen.timestamp())


def never_seen(artefact: Artefact, facts: RollbackFacts) -> Release:
    """A release that is at hand but was never observed serving: there is no evidence about it, and it says so."""
    return Release(
        environment=facts.environment,
        service=facts.service,
        version=artefact.version,
        reference=artefact.reference,
        verdict=Verdict.CANDIDATE,
        first_seen=facts.at,
        last_seen=facts.at,
        verdict_reason="never observed serving",
        artefact=artefact.model_dump(mode="json"),
    )


def _reference(artefact: Artefact | None) -> str | None:
    return artefact.reference if artefact else None


def _refused(choice: Choice, text: str, *, unknown: bool = False, code: ExitCode = ExitCode.REFUSED) -> Choice:
    update = {"refusal": text, "code": ExitCode.UNKNOWN_NAME if unknown else code, "unknown": unknown}
    return choice.model_copy(update=update | {"to": None, "artefact": None, "slot": None})
