"""The same procedure in place, on three real replicas: planned, proved, and never back to the bad release."""

from datetime import UTC, datetime, timedelta

import pytest

from actions.config import load
from actions.model.words import Verdict
from actions.platforms.access import WriteAccess
from actions.procedures.offer import offer
from actions.releases.gather import gather
from tests.docker.project import ComposeProject
from tests.platforms.fake import FakeLedger
from tests.releases.making import release
from tests.releases.making import request as wanted
from tests.steps.running import planned, run

pytestmark = pytest.mark.machine("docker")


@pytest.fixture
async def project(engine, releases, tmp_path):
    with ComposeProject(tmp_path, "1.1.0", engine=engine) as one:
        settings = load(one.config).environments["shop"]
        access = WriteAccess("shop", settings)
        yield one, access
        await access.close()


@pytest.fixture
def ledger(releases, tmp_path):
    book, now = FakeLedger(tmp_path), datetime.now(UTC)
    common = {"environment": "shop"}
    book.save_release(release("1.1.0", Verdict.CANDIDATE, reference=releases["1.1.0"], last_seen=now, **common))
    older = now - timedelta(hours=1)
    book.save_release(release("1.0.0", reference=releases["1.0.0"], last_seen=older, **common))
    return book


async def test_three_replicas_go_back_and_stay_there(project, ledger, tmp_path):
    one, access = project
    folder = tmp_path / "undo"
    folder.mkdir(mode=0o700)
    plan = await planned(access, ledger)
    assert (plan.from_version, plan.to_version) == ("1.1.0", "1.0.0")
    assert [step.kind for step in plan.steps].count("change-workload") >= 3
    outcome = await run(access, ledger, plan, folder)
    assert outcome.error is None and outcome.warnings == {}
    assert one.versions() == ["1.0.0"] * 3
    again = offer(wanted(service="api"), await gather(access, ledger, request=wanted(service="api"), seconds=60))
    assert again.plan is None and "1.0.0 is live" in again.refusal
