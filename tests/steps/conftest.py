"""A blue-green world with a bad release in blue and the last known good in green, with real addresses."""

from datetime import UTC, datetime, timedelta

import pytest

from actions.model.environment import Notices, Webhook
from actions.model.words import Verdict
from tests.platforms.fake import FakeAccess, FakeLedger, Standing, World, artefact, environment, front
from tests.releases.making import release


@pytest.fixture
def ledger(tmp_path):
    now = datetime.now(UTC)
    book = FakeLedger(tmp_path)
    book.save_release(release("2.4.1", Verdict.CANDIDATE, last_seen=now))
    book.save_release(release("2.4.0", last_seen=now - timedelta(hours=1)))
    book.save_release(release("2.3.9", last_seen=now - timedelta(days=5)))
    return book


@pytest.fixture
def world():
    known = [artefact(version) for version in ("2.3.9", "2.4.0", "2.4.1")]
    slots = {
        "blue": Standing(artefact("2.4.1"), at_hand=known),
        "green": Standing(artefact("2.4.0"), at_hand=known),
    }
    return World(slots, {"blue": 1.0, "green": 0.0})


@pytest.fixture
async def access(world):
    async with front(world) as addresses:
        settings = environment(addresses, world)
        notices = Notices(webhooks={"oncall": Webhook(url="http://127.0.0.1:1/x")})
        opened = FakeAccess(settings.model_copy(update={"notices": notices}), world)
        yield opened
        await opened.close()
