"""Watching through drivers: only what gets traffic is observed, and silence is no evidence."""

from datetime import timedelta

from actions.model.health import Snapshot
from actions.model.words import Verdict
from actions.releases.choice import last_known_good
from actions.releases.seed import seed_history
from actions.releases.watch import watch_once
from tests.platforms.fake import FakeAccess, FakeLedger, Standing, World, artefact, environment
from tests.releases.making import HEALTHY, NOW

ADDRESSES = {"outside": "http://127.0.0.1:1", "blue": "http://127.0.0.1:2", "green": "http://127.0.0.1:3"}


def world():
    slots = {"blue": Standing(artefact("2.4.1")), "green": Standing(artefact("2.4.0"))}
    return World(slots, {"blue": 1.0, "green": 0.0})


async def ticks(access, ledger, count, start=NOW):
    for number in range(count):
        now = start + timedelta(seconds=2 * number)
        version = access.world.serving().artefact.version
        health = HEALTHY.model_copy(update={"observed_at": now, "version": version})
        snapshot = Snapshot(environment="production", sequence=number, at=now, services=(health,))
        await watch_once(access, ledger, snapshot, seen_by="keeper", now=now)


async def test_only_what_serves_is_observed_and_becomes_good(tmp_path):
    stack = world()
    access = FakeAccess(environment(ADDRESSES, stack, soak_seconds=10, soak_samples=3), stack)
    ledger = FakeLedger(tmp_path)
    await ticks(access, ledger, 8)
    (row,) = ledger.releases("production", "api")
    assert (row.version, row.verdict, row.seen_by) == ("2.4.1", Verdict.GOOD, "keeper")
    assert ledger.notes == []
    stack.slots["green"].artefact, stack.shares = artefact("2.4.2"), {"blue": 0.0, "green": 1.0}
    await ticks(access, ledger, 2, NOW + timedelta(seconds=20))
    assert [note.text for note in ledger.notes] == ["release 2.4.2"]
    verdicts = {one.version: one.verdict for one in ledger.releases("production", "api")}
    assert verdicts == {"2.4.1": Verdict.GOOD, "2.4.2": Verdict.CANDIDATE}


async def test_a_silent_platform_leaves_everything_as_it_was(tmp_path):
    stack = world()
    access, ledger = FakeAccess(environment(ADDRESSES, stack), stack), FakeLedger(tmp_path)
    stack.traffic_silent = "no answer"
    await ticks(access, ledger, 3)
    stack.traffic_silent, stack.slots["blue"].silent = "", "no answer"
    await ticks(access, ledger, 3)
    assert ledger.rows == {}


def test_imported_history_is_good_labelled_and_never_overrides_what_was_observed(tmp_path):
    ledger = FakeLedger(tmp_path)
    seeded = seed_history(
        ledger,
        "production",
        "api",
        artefact("2.4.0"),
        soaked_seconds=3600,
        samples=60,
        last_seen=NOW,
        source="the old log",
    )
    assert seeded.verdict is Verdict.GOOD and "imported from the old log" in seeded.verdict_reason
    bad = seeded.model_copy(update={"verdict": Verdict.BAD})
    ledger.save_release(bad)
    again = seed_history(
        ledger, "production", "api", artefact("2.4.0"), soaked_seconds=9, samples=9, last_seen=NOW, source="elsewhere"
    )
    assert again == bad and last_known_good(ledger.releases("production", "api"), None) is None
