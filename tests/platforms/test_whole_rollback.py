"""The whole procedure over the real supervisor and router, with users' own counters as the judge."""

from datetime import UTC, datetime, timedelta

import pytest

from actions.clients.http import HttpReader
from actions.clients.supervisor import SupervisorWriter
from actions.model.errors import VerifyFailed
from actions.model.identity import new_id
from actions.model.words import Verdict
from actions.releases.gather import gather
from actions.steps.measures import Measures
from actions.steps.registry import registry
from tests.platforms.fake import FakeLedger
from tests.releases.making import release
from tests.steps.running import planned, run


@pytest.fixture
async def ledger(access, tmp_path):
    """2.4.1 is the candidate that serves, 2.4.0 and 2.3.9 were good."""
    book, now = FakeLedger(tmp_path), datetime.now(UTC)
    facts = await access.workload("api", "blue").observe()
    known = {one.version: one.reference for one in (*facts.at_hand, facts.current)}
    common = {"environment": "sandbox"}
    book.save_release(release("2.4.1", Verdict.CANDIDATE, reference=known["2.4.1"], last_seen=now, **common))
    for hours, version in enumerate(("2.4.0", "2.3.9"), 1):
        seen = now - timedelta(hours=hours)
        book.save_release(release(version, reference=known[version], last_seen=seen, **common))
    return book


async def test_users_lose_nothing_and_the_second_way_back_goes_further(access, ledger, folder, sandbox):
    for target, kinds in (("2.4.0", 0), ("2.3.9", 1)):
        measures = Measures(access.environment, "api")
        await measures.start()
        plan = await planned(access, ledger)
        assert plan.to_version == target
        assert sum(step.kind == "change-workload" for step in plan.steps) == kinds
        outcome = await run(access, ledger, plan, folder, new_id())
        figures = await measures.stop()
        assert outcome.error is None and outcome.warnings == {}
        lost = (figures["failed_requests"], figures["lost_writes"], figures["downtime_seconds"])
        assert lost == (0, 0, 0), (await HttpReader(sandbox.traffic).get("/state")).json()["last_failure"]
        assert figures["measured_by"] == "users" and figures["requests"] > 0
        assert figures["probe_failed"] == 0, figures["probe_last_failure"]
        facts = await gather(access, ledger, "api")
        assert facts.choice.current.version == target and facts.traffic.drift == ""


async def test_a_target_killed_right_after_the_switch_gives_the_traffic_back(
    access, ledger, folder, sandbox, monkeypatch
):
    """R4, fault matrix row 30."""
    plan = await planned(access, ledger)
    supervisor = SupervisorWriter(sandbox.directory)
    prove = registry["prove-outside"]
    monkeypatch.setattr(prove, "act", _killing(supervisor, prove.act))
    outcome = await run(access, ledger, plan, folder, new_id())
    assert isinstance(outcome.error, VerifyFailed) and "nothing runs in green any more" in outcome.error.message
    assert outcome.undo_error is None
    facts = await gather(access, ledger, "api")
    assert facts.traffic.shares == {"blue": 1.0, "green": 0.0} and facts.choice.current.version == "2.4.1"
    await supervisor.start("api-green", key=f"again-{plan.digest}")


def _killing(supervisor, original):
    async def act(context):
        await supervisor.stop("api-green", key=f"kill-{context.plan.digest}", seconds=0)
        return await original(context)

    return act
