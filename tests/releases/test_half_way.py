"""A run that was left half way: what a refusal says then, and that what does not run is not said to serve."""

from datetime import UTC, datetime
from pathlib import Path

from actions.model.environment import Environment
from actions.model.plan import LeftBehind
from actions.model.run import Run
from actions.model.services import HttpService
from actions.model.words import RunState, Verdict
from actions.model.workloads import AddressWorkload
from actions.platforms.access import Access
from actions.procedures.offer import offer
from actions.releases.gather import gather
from tests.platforms.fake import FakeLedger
from tests.releases.making import facts, release, request, slot, traffic

RUN = "01HALFWAYHALFWAYHALFAB12CD"
RESUME = "run AB12CD was left half way and nobody carries it out: 'vq-tui runs resume AB12CD' goes on with it"


def test_a_refusal_names_the_run_that_nobody_carries_out() -> None:
    alone = {"releases": (release("2.4.0"),), "shares": traffic(blue=1.0)}
    assert RESUME in facts(slot("blue", "2.4.0"), **alone, active=RUN, orphan=RUN).choice.refusal
    assert "runs resume" not in facts(slot("blue", "2.4.0"), **alone, active=RUN).choice.refusal


def test_a_plan_says_beside_it_that_a_run_was_left_half_way() -> None:
    rows = (release("2.4.1", Verdict.CANDIDATE), release("2.4.0"))
    world = facts(slot("blue", "2.4.1"), slot("green", "2.4.0"), releases=rows, shares=traffic(blue=1.0), orphan=RUN)
    found = offer(request(), world)
    assert found.plan is not None and found.note == RESUME


def test_what_does_not_run_is_not_said_to_serve() -> None:
    rows = (release("2.4.0"),)
    stopped = facts(slot("blue", "2.4.0", ready=0), releases=rows, shares=traffic(blue=1.0))
    assert stopped.choice.refusal.startswith("2.4.0 stands there already, though no instance of it runs, and is")
    by_name = facts(slot("blue", "2.4.0", ready=0), releases=rows, shares=traffic(blue=1.0), wanted="2.4.0")
    assert by_name.choice.refusal == "2.4.0 stands there already, though it does not run"
    assert facts(slot("blue", "2.4.0"), releases=rows, shares=traffic(blue=1.0)).choice.refusal.startswith(
        "2.4.0 is live"
    )


def test_what_was_made_and_never_started_may_be_gone_to() -> None:
    """A run ended between making it and starting it, and nobody goes on with that run."""
    rows = (release("2.4.1", Verdict.CANDIDATE), release("2.4.0"), release("2.3.9", days=50))
    standing = slot("main", "2.4.0", "2.4.1", "2.4.0", "2.3.9", ready=0)
    assert standing.workload is not None
    made = standing.model_copy(update={"workload": standing.workload.model_copy(update={"half_made": True})})
    left = LeftBehind(reference=rows[0].reference, run_id=RUN, at=datetime.now(UTC))
    found = facts(made, releases=rows, left_behind={left.reference: left}).choice
    assert found.to is not None and (found.to.version, found.current and found.current.version) == ("2.4.0", "2.4.1")
    unknown = facts(made, releases=rows).choice
    assert unknown.to is not None and (unknown.to.version, unknown.current) == ("2.4.0", None)


async def test_only_a_run_that_began_and_lost_its_executor_counts(tmp_path: Path) -> None:
    service = HttpService(url="http://127.0.0.1:9", timeout=0.2, workload=AddressWorkload(url="http://127.0.0.1:9"))
    access = Access("production", Environment(services={"api": service}))
    ledger = FakeLedger(tmp_path)

    async def orphan(state: RunState, executor: str) -> str | None:
        ledger.carried_out, ledger.running = executor, running(state)
        return (await gather(access, ledger, "api")).orphan

    try:
        assert await orphan(RunState.RUNNING, "dead") == RUN
        assert await orphan(RunState.RUNNING, "alive") is None
        assert await orphan(RunState.QUEUED, "none") is None, "its executor is on its way"
    finally:
        await access.close()


def running(state: RunState) -> Run:
    return Run(
        id=RUN,
        procedure="rollback",
        procedure_version="1",
        environment="production",
        service="api",
        target="production",
        state=state,
        level="emergency",
        from_version="2.4.1",
        to_version="2.4.0",
        reason="",
        operator="mira",
        origin="here",
        created_at=datetime.now(UTC),
    )
