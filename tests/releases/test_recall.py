"""What a platform lists no more but still has can be gone back to: asked for by the reference that the ledger knows."""

import pytest

from actions.model.words import Verdict
from actions.releases.gather import gather
from actions.releases.recall import MOST_RECALLED
from tests.platforms.fake import FakeAccess, FakeLedger, FakeWorkload, Standing, World, environment
from tests.releases.making import artefact, release, request

ADDRESSES = {"outside": "http://127.0.0.1:1", "main": "http://127.0.0.1:2"}


class Recalling(FakeWorkload):
    """Has `hidden` images that it does not list."""

    hidden = ()
    asked: list[tuple[str, ...]] = []

    async def recall(self, facts, names):
        Recalling.asked.append(names)
        return tuple(one for one in self.hidden if one.reference in names or one.version in names)


@pytest.fixture
def access(monkeypatch):
    world = World({"main": Standing(artefact("2.4.1"))}, {"main": 1.0})
    world.has_traffic = False
    opened = FakeAccess(environment(ADDRESSES, world), world)
    monkeypatch.setattr(opened, "workload", lambda service, slot: Recalling(world, slot))
    monkeypatch.setattr(Recalling, "asked", [])
    return opened


@pytest.fixture
def ledger(tmp_path):
    book = FakeLedger(tmp_path)
    book.save_release(release("2.4.1", Verdict.CANDIDATE, days=0))
    book.save_release(release("2.4.0"))
    book.save_release(release("2.3.0", Verdict.BAD))
    return book


async def test_a_good_release_without_a_name_is_offered_by_the_name_it_had(access, ledger, monkeypatch):
    monkeypatch.setattr(Recalling, "hidden", (artefact("1a2b3c", reference="ref:2.4.0"),))
    facts = await gather(access, ledger, request=request())
    assert facts.choice.to.version == facts.choice.artefact.version == "2.4.0" and not facts.choice.refusal
    assert Recalling.asked == [("ref:2.4.0",)], "neither what is listed nor what is bad is asked for"


async def test_what_nobody_knows_is_asked_for_by_the_name_that_was_typed(access, ledger, monkeypatch):
    monkeypatch.setattr(Recalling, "hidden", (artefact("shop/api:9", reference="ref:9"),))
    facts = await gather(access, ledger, request=request("shop/api:9"))
    assert facts.choice.to.reference == "ref:9" and facts.choice.to.verdict_reason == "never observed serving"
    assert Recalling.asked[-1][-1] == "shop/api:9"


async def test_only_the_last_ones_are_asked_for(access, ledger):
    for number in range(30):
        ledger.save_release(release(f"1.0.{number}", days=number + 2))
    await gather(access, ledger, request=request())
    assert len(Recalling.asked[0]) == MOST_RECALLED and Recalling.asked[0][0] == "ref:2.4.0"


async def test_a_platform_that_refuses_to_say_leaves_the_rest_as_it_is(access, ledger, monkeypatch):
    async def broken(self, facts, names):
        raise ValueError("no answer that makes sense")

    monkeypatch.setattr(Recalling, "recall", broken)
    facts = await gather(access, ledger, request=request())
    assert facts.choice.to is None and facts.choice.refusal and facts.slots[0].workload is not None
