"""Readiness of the way back, always in view: every check with its evidence and what to do. Pure."""

from datetime import datetime, timedelta
from statistics import median

from actions.health.soak import soak_progress, soaked, span
from actions.model.health import UNCLEAR, Check, worst
from actions.model.plan import Readiness
from actions.model.platform import Artefact
from actions.model.text import clean
from actions.model.way_back import RollbackFacts
from actions.model.words import Gate, Verdict

ADVISORY = frozenset({"drill", "releases", "standby", "pin"})
"""Checks that are shown with the others but do not decide the gate unless they fail: a rollback works without them."""
FROM_THE_LEDGER = frozenset({"good", "lock", "releases", "drill"})
DRILL_DAYS = 90
LAST_RUNS = 5
MOST_NAMES = 4
AROUND_SECONDS = 1.2
"""What the steps around the changes of a rollback are expected to take: lock, conditions, proofs, verdict."""
SWITCH_SECONDS = 0.7
"""The same of those that a switch of traffic adds: the proof before it, the drain after it."""


def readiness(facts: RollbackFacts) -> Readiness:
    """Whether, where to and how fast a rollback could go now. The gate is the worst check a rollback depends on."""
    checks = conditions(facts)
    past = facts.past_seconds[:LAST_RUNS]
    deciding = [check for check in checks if check.id not in ADVISORY or check.gate is Gate.FAIL]
    gate = worst([check.gate for check in deciding])
    trouble = next((check for check in deciding if check.gate is gate), None)
    reason = "" if gate is Gate.PASS or trouble is None else (trouble.evidence or trouble.title)
    return Readiness(
        environment=facts.environment,
        service=facts.service,
        at=facts.at,
        checks=checks,
        gate=gate,
        current=facts.choice.current_release,
        to=facts.choice.to,
        expected_seconds=expected_seconds(facts),
        fastest=min(past) if past else None,
        slowest=max(past) if past else None,
        samples=len(past),
        reason=reason,
        pins=tuple(slot.workload.pin for slot in facts.slots if slot.workload is not None and slot.workload.pin),
    )


def expected_seconds(facts: RollbackFacts) -> float | None:
    """Median of the last five runs; without any, the sum of what the changes expect; None when there is no way back.

    Runs that switched to a warm standby say nothing of instances that have to be brought first: these take that sum.
    """
    past = float(median(facts.past_seconds[:LAST_RUNS])) if facts.past_seconds else None
    slot = facts.slot(facts.choice.slot)
    if slot is None or not slot.changes:
        bare = None if slot is None or slot.changes is None else AROUND_SECONDS + _switching(facts)
        return bare if past is None else past
    planned = AROUND_SECONDS + _switching(facts) + sum(change.expected_seconds for change in slot.changes)
    return max(past or 0.0, planned)


def _switching(facts: RollbackFacts) -> float:
    return SWITCH_SECONDS + facts.switch.expected_seconds if facts.switch else 0.0


def conditions(facts: RollbackFacts) -> tuple[Check, ...]:
    """Every condition of a rollback, in the order in which an operator would ask."""
    found = [
        _good(facts),
        _artefact(facts),
        _standby(facts),
        _schema(facts),
        _drift(facts),
        _lock(facts),
        facts.journal,
        _permissions(facts),
        _system(facts),
        _provable(facts),
        *_notes(facts),
        _kept(facts),
        _drill(facts),
    ]
    return tuple(_doubted(check, facts.ledger_problem) for check in found if check is not None)


def _doubted(check: Check, problem: str) -> Check:
    """Without the ledger nothing that it would tell is known, and no run can be written down."""
    if problem and check.id == "journal":
        advice = "no run starts on it: 'vq-tui audit verify' says more"
        return check.model_copy(update={"gate": Gate.FAIL, "evidence": problem, "advice": advice})
    if problem and check.id in FROM_THE_LEDGER:
        evidence = "not known: the ledger cannot be read"
        return check.model_copy(update={"gate": Gate.INCONCLUSIVE, "evidence": evidence, "advice": ""})
    return check


def schema_gate(artefact: Artefact | None, version: int | None, note: str) -> Check | None:
    """Whether the artefact runs on the schema in place; None where there is no database."""
    title = "schema fits"
    if version is None:
        return Check(id="schema", title=title, gate=Gate.INCONCLUSIVE, evidence=note) if note else None
    if artefact is None:
        return Check(id="schema", title=title, gate=Gate.INCONCLUSIVE, evidence=f"schema {version}, no release chosen")
    low, high = artefact.minimum_schema, artefact.maximum_schema
    if low is None and high is None:
        text = f"{artefact.version} does not say which schemas it runs on; in place is {version}"
        return Check(
            id="schema", title=title, gate=Gate.INCONCLUSIVE, evidence=text, advice="label the artefact with its bounds"
        )
    bounds = f"{low if low is not None else 'any'} to {high if high is not None else 'any'}"
    if (low is not None and version < low) or (high is not None and version > high):
        text = f"{artefact.version} runs on schema {bounds}, in place is {version}"
        return Check(id="schema", title=title, gate=Gate.FAIL, evidence=text, advice="choose a release that fits")
    text = f"schema {version}, within {bounds} of {artefact.version}"
    return Check(id="schema", title=title, gate=Gate.PASS, evidence=text)


def _good(facts: RollbackFacts) -> Check:
    to, title = facts.choice.to, "a release to go back to"
    if to is None:
        advice = "let a release soak under health" if "earned 'good' yet" in facts.choice.refusal else ""
        advice = "roll it back where its processes are managed" if facts.unmanaged else advice
        gate = Gate.INCONCLUSIVE if _unseen(facts) else Gate.FAIL
        return Check(id="good", title=title, gate=gate, evidence=facts.choice.refusal, advice=advice)
    if to.verdict is Verdict.GOOD:
        source = f" ({to.seen_by})" if to.seen_by.startswith("imported") else ""
        evidence = f"{to.version} {soaked(to.soaked_seconds)}{source}"
        return Check(id="good", title=title, gate=Gate.PASS, evidence=evidence)
    text = f"{to.version} never earned 'good': {to.verdict_reason}, {soak_progress(to, facts.policy)}"
    return Check(id="good", title=title, gate=Gate.INCONCLUSIVE, evidence=text, advice="prefer a release that did")


def _unseen(facts: RollbackFacts) -> bool:
    """Whether too little is seen to say that there is no way back: a slot is silent, or nobody knows which serves."""
    return bool(facts.slots) and (not facts.shares or any(slot.workload is None for slot in facts.slots))


def space(size: int) -> str:
    """Room on a disk in the largest unit that fits: 47 MiB, 76 GiB, 3.2 TiB."""
    for unit, name in ((1 << 40, "TiB"), (1 << 30, "GiB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}" if size < 10 * unit else f"{size // unit} {name}"
    return f"{size >> 20} MiB"


def _artefact(facts: RollbackFacts) -> Check | None:
    slot, title = facts.slot(facts.choice.slot), "image present"
    if slot is None or facts.choice.to is None:
        return None
    if slot.refusal:
        return Check(id="artefact", title=title, gate=Gate.FAIL, evidence=slot.refusal)
    if slot.at_hand is None:
        return Check(id="artefact", title=title, gate=Gate.INCONCLUSIVE, evidence="not asked")
    return slot.at_hand.model_copy(update={"id": "artefact", "title": title})


def _standby(facts: RollbackFacts) -> Check | None:
    choice, title = facts.choice, "standby warm"
    if not facts.has_traffic or choice.to is None:
        return None
    if facts.switch_refusal:
        return Check(id="standby", title=title, gate=Gate.FAIL, evidence=facts.switch_refusal)
    slot = facts.slot(choice.slot)
    if choice.warm and slot is not None and slot.workload is not None:
        text = f"{choice.slot} runs {choice.to.version}, {slot.workload.ready_count}/{slot.workload.desired} ready"
        return Check(id="standby", title=title, gate=Gate.PASS, evidence=text)
    if slot is not None and slot.workload is not None and slot.changes == ():
        text = f"{choice.slot} runs {choice.to.version}, {slot.workload.ready_count}/{slot.workload.desired} ready"
        advice = "users are only sent there once all of it is ready"
        return Check(id="standby", title=title, gate=Gate.INCONCLUSIVE, evidence=text, advice=advice)
    stands = slot.current.version if slot and slot.current else "nothing known"
    text = f"{choice.slot} runs {stands}; {choice.to.version} is brought in first"
    advice = "the rollback takes longer than a switch"
    return Check(id="standby", title=title, gate=Gate.INCONCLUSIVE, evidence=text, advice=advice)


def _schema(facts: RollbackFacts) -> Check | None:
    """The worst of all databases: one that does not fit, or cannot be read, is enough."""
    artefact, several = facts.choice.artefact, len(facts.schemas) > 1
    found = [(name, schema_gate(artefact, version, "")) for name, version in facts.schemas.items()]
    found.append(("", schema_gate(artefact, None, facts.schema_note)))
    checks = [
        one.model_copy(update={"evidence": f"{name}: {one.evidence}"}) if several and name else one
        for name, one in found
        if one is not None
    ]
    gate = worst([one.gate for one in checks])
    return next((one for one in checks if one.gate is gate), None)


def _drift(facts: RollbackFacts) -> Check | None:
    if facts.traffic is None or not facts.traffic.drift:
        return None
    advice = "look who changed it; accept the drift to go on from what is observed"
    return Check(id="drift", title="traffic as configured", gate=Gate.FAIL, evidence=facts.traffic.drift, advice=advice)


def _lock(facts: RollbackFacts) -> Check:
    title = "lock free"
    if facts.active is None:
        return Check(id="lock", title=title, gate=Gate.PASS, evidence="no run holds it")
    text = f"run {facts.active[-6:]} holds the environment"
    return Check(id="lock", title=title, gate=Gate.FAIL, evidence=text, advice="attach to it, or take it over")


def _permissions(facts: RollbackFacts) -> Check | None:
    asked = [check for slot in facts.slots for check in slot.permissions] + list(facts.traffic_permissions)
    if not asked:
        return None
    gate = worst([check.gate for check in asked])
    title = "permissions"
    if gate is Gate.PASS:
        return Check(id="permissions", title=title, gate=gate, evidence=f"ok {len(asked)}/{len(asked)}")
    first = next(check for check in asked if check.gate is gate)
    text = first.evidence or first.title
    return Check(id="permissions", title=title, gate=gate, evidence=text, advice=first.advice)


def _system(facts: RollbackFacts) -> Check | None:
    """A dead database is not cured by another release of the code; one that nobody has looked at may be dead."""
    said = {"down": facts.others_down, "not known": facts.others_unknown}
    evidence = "; ".join(f"{word}: {_first(names)}" for word, names in said.items() if names)
    if not evidence:
        return None
    down = "a rollback of the code may not help: look there first"
    advice = down if facts.others_down else "look at their health first if there is time; a rollback goes on without it"
    return Check(id="system", title="other services", gate=Gate.INCONCLUSIVE, evidence=evidence, advice=advice)


def _provable(facts: RollbackFacts) -> Check | None:
    """No release can be proved by health answers that nobody understands."""
    if facts.health is None or facts.health.word != UNCLEAR:
        return None
    advice = 'look at the health answer; health_body = "status-only" lets the status of HTTP decide'
    evidence = f"no release can be proved: {facts.health.summary}"
    return Check(id="health", title="health understood", gate=Gate.INCONCLUSIVE, evidence=evidence, advice=advice)


def _first(names: tuple[str, ...]) -> str:
    """The first names and how many more: with fifty services the line must still be read."""
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _notes(facts: RollbackFacts) -> list[Check]:
    """What the platforms say that planning must show. Only of the slots the rollback touches."""
    touched = [slot for slot in facts.slots if facts.choice.slot is None or slot.slot == facts.choice.slot]
    notes = [note for slot in touched if slot.workload is not None for note in slot.workload.notes]
    return notes + (list(facts.traffic.notes) if facts.traffic is not None else [])


def _kept(facts: RollbackFacts) -> Check:
    """How many earlier releases are rollback-ready."""
    blind = [slot.slot for slot in facts.slots if slot.workload is None]
    if blind:
        text = f"not known: {', '.join(blind)} cannot be observed"
        return Check(id="releases", title="earlier releases", gate=Gate.INCONCLUSIVE, evidence=text)
    good = [one for one in facts.choice.others if one.verdict is Verdict.GOOD]
    wanted = facts.policy.keep_releases
    names = ", ".join(one.version for one in good[:wanted]) or "none"
    gate = Gate.PASS if len(good) >= wanted else Gate.INCONCLUSIVE
    text = f"{len(good)} good at hand, {wanted} wanted: {names}"
    return Check(id="releases", title="earlier releases", gate=gate, evidence=text)


def _drill(facts: RollbackFacts) -> Check:
    ended = [drill for drill in facts.drills if drill.ended_at is not None]
    title, advice = "last drill", "rehearse the rollback"
    if not ended:
        return Check(id="drill", title=title, gate=Gate.INCONCLUSIVE, evidence="no drill yet", advice=advice)
    last = max(ended, key=lambda drill: drill.started_at)
    age = facts.at - last.started_at
    taken = _drill_seconds(last.points)
    text = f"{span(age.total_seconds())} ago" + (f", {taken:.0f} s" if taken is not None else "")
    if last.passed is not True:
        return Check(id="drill", title=title, gate=Gate.INCONCLUSIVE, evidence=f"{text}, not passed", advice=advice)
    gate = Gate.PASS if age <= timedelta(days=DRILL_DAYS) else Gate.INCONCLUSIVE
    return Check(id="drill", title=title, gate=gate, evidence=clean(text), advice="" if gate is Gate.PASS else advice)


def _drill_seconds(points: dict[str, datetime]) -> float | None:
    begun, ended = points.get("injected"), points.get("recovered")
    if begun is None or ended is None:
        return None
    return (ended - begun).total_seconds()
