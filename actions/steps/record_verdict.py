"""The outcome, written down so that nobody ever goes back to the release that was left."""

from datetime import UTC, datetime

from pydantic import JsonValue

from actions.model.errors import VerifyFailed
from actions.model.identity import short_id
from actions.model.plan import Release
from actions.model.platform import Artefact, Evidence, Probe
from actions.model.record import ChangeNote
from actions.model.words import ProbeState, Verdict
from actions.releases.observe import anew, marked_bad
from actions.steps.check_conditions import FAILING
from actions.steps.contract import Step, StepContext


class RecordVerdict(Step):
    """Marks what was left as bad, keeps what was returned to, notes the change and queues the notices. Idempotent."""

    kind = "record-verdict"
    records = True

    async def act(self, context: StepContext) -> Evidence:
        """Write everything; each part once, however often this is called."""
        plan, now = context.plan, datetime.now(UTC)
        rows = {one.reference: one for one in await context.records.releases(plan.environment, plan.service)}
        left = self._release(context, rows, "from", now)
        if left is not None:
            await context.records.save_release(marked_bad(left, plan.reason, context.run_id, now))
        kept = self._release(context, rows, "to", now)
        if kept is not None:
            await context.records.save_release(kept.model_copy(update={"last_seen": max(now, kept.last_seen)}))
        text = f"rollback {plan.from_version or 'unknown'} → {plan.to_version}: {plan.reason}"
        await context.records.note_change_once(
            ChangeNote(
                environment=plan.environment,
                at=now,
                kind="rollback",
                subject=plan.service,
                text=text,
                by=context.records.actor,
                run_id=context.run_id,
            )
        )
        body: dict[str, JsonValue] = {
            "run": context.run_id,
            "environment": plan.environment,
            "service": plan.service,
            "from": plan.from_version,
            "to": plan.to_version,
            "reason": plan.reason,
            "by": context.records.actor,
        }
        line = f"{context.environment.product} {plan.environment}: {text} (run {short_id(context.run_id)})"
        still = (await context.records.evidence(plan, "validate")).get(FAILING)
        if isinstance(still, list) and still:
            line += f"; failing as before the rollback: {', '.join(map(str, still))}"
        for channel in context.environment.notices.webhooks:
            await context.records.queue_notice_once(plan.environment, channel, line, body)
        return Evidence(text=text)

    async def verify(self, context: StepContext) -> Evidence:
        """Read back what was written. Raises VerifyFailed when what was left does not stand there as bad."""
        plan = context.plan
        rows = {one.reference: one for one in await context.records.releases(plan.environment, plan.service)}
        reference = context.step.params.get("from")
        left = rows.get(str(reference))
        kept = rows.get(str(context.step.params.get("to")))
        marked = left is not None and left.verdict is Verdict.BAD
        if not marked and (left is not None or context.step.params.get("from_artefact") is not None):
            stands = f"is {left.verdict.value}" if left else "is not there"
            raise VerifyFailed(f"{plan.from_version or reference} was marked bad, but read back it {stands}")
        if left is None:
            text = "what was left is not known, so no release was marked"
        else:
            text = f"{left.version} {left.verdict.value}"
        text += f", {kept.version} {kept.verdict.value}" if kept else ""
        return Evidence(text=text, data={"notices": len(context.environment.notices.webhooks)})

    async def undo(self, context: StepContext) -> Evidence:
        """The rollback was undone: what it marked serves again and has to earn good anew; others' verdicts stay."""
        plan, now, run = context.plan, datetime.now(UTC), short_id(context.run_id)
        rows = {one.reference: one for one in await context.records.releases(plan.environment, plan.service)}
        left = rows.get(str(context.step.params.get("from")))
        if left is None or left.verdict is not Verdict.BAD or left.verdict_run != context.run_id:
            return Evidence(text="no verdict of this run stands")
        await context.records.save_release(anew(left, f"rollback {run} was undone, soaking anew"), lift=True)
        text = f"rollback {run} was undone: {plan.from_version or 'what was left'} is live again"
        await context.records.note_change_once(
            ChangeNote(
                environment=plan.environment,
                at=now,
                kind="undone",
                subject=plan.service,
                text=text,
                by=context.records.actor,
                run_id=context.run_id,
            )
        )
        return Evidence(text=f"{left.version} is bad no more")

    async def probe(self, context: StepContext) -> Probe:
        """Every part is written once, however often it is done: it is simply done again."""
        return Probe(state=ProbeState.NOT_STARTED, evidence="writing again changes nothing")

    def _release(self, context: StepContext, rows: dict[str, Release], end: str, now: datetime) -> Release | None:
        """The row of one end of the rollback; one that was never seen serving is made from its artefact."""
        reference, artefact = context.step.params.get(end), context.step.params.get(f"{end}_artefact")
        if not isinstance(reference, str):
            return None
        if reference in rows:
            return rows[reference]
        if not isinstance(artefact, dict):
            return None
        known = Artefact.model_validate(artefact)
        return Release(
            environment=context.plan.environment,
            service=context.plan.service,
            version=known.version,
            reference=known.reference,
            verdict=Verdict.CANDIDATE,
            first_seen=now,
            last_seen=now,
            seen_by=f"run {short_id(context.run_id)}",
            artefact=artefact,
        )
