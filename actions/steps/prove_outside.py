"""The proof users would give: K right answers in a row over fresh connections to the outside address."""

import asyncio

from actions.model.errors import Unreachable, VerifyFailed
from actions.model.health import Check
from actions.model.platform import Evidence
from actions.model.services import HttpService, PostgresService, RedisService
from actions.model.waiting import Deadline, until
from actions.model.words import Gate
from actions.steps.contract import Step, StepContext
from actions.steps.other_side import refuse_silence
from actions.steps.outside import Judged, ask_health, expected_word, reader
from actions.steps.reach import reach

EVERY = 0.05
SUSPICIOUS = 5
"""After so many wrong answers in a row the platform is asked whether anything still runs there."""


class ProveOutside(Step):
    """Right version and healthy, `proofs` times in a row; one wrong answer starts the count anew."""

    kind = "prove-outside"

    async def act(self, context: StepContext) -> Evidence:
        """Only observes."""
        return Evidence(text="asking from outside")

    async def verify(self, context: StepContext) -> Evidence:
        """Raises VerifyFailed with the last wrong answer, Undecided where neither side answers at all."""
        service = context.environment.services[context.plan.service]
        deadline = context.deadline()
        if isinstance(service, HttpService):
            text, versions = await self._answers(context, service, deadline)
        else:
            text, versions = await self._reaches(context, service, deadline), []
        if not versions or context.step.params.get("by_reference") is True:
            text += f"; {await self._platform(context, deadline)}"
        return Evidence(text=text, data={"recovered": True, "versions": list(versions)})

    async def _answers(self, context: StepContext, service: HttpService, deadline: Deadline) -> tuple[str, list[str]]:
        expected, wanted = expected_word(context.step), int(str(context.step.params.get("proofs", 3)))
        http = reader(service)
        row: list[Judged] = []
        last, asked, wrong, silence = "nothing was asked", 0, 0, True
        try:
            while len(row) < wanted:
                if deadline.passed:
                    words = f"{len(row)} of {wanted} right answers in a row within {deadline.seconds:.0f} s: {last}"
                    if silence:
                        await refuse_silence(context, words)
                    raise VerifyFailed(words)
                answer = await ask_health(http, service, expected)
                asked += 1
                row = [*row, answer] if answer.right else []
                wrong = 0 if answer.right else wrong + 1
                if not answer.right:
                    last, silence = answer.text, silence and answer.silent
                    if wrong % SUSPICIOUS == 0:
                        await self._alive(context, last)
                    await asyncio.sleep(min(EVERY, deadline.remaining()))
        finally:
            await http.close()
        slowest = max(one.seconds for one in row) * 1_000
        missed = f", {asked - wanted} others before" if asked > wanted else ""
        versions = sorted({one.version for one in row if one.version})
        names = f" as {', '.join(versions)}" if versions else ""
        return f"{wanted} of {wanted} in a row{names}, {slowest:.0f} ms{missed}", versions

    async def _alive(self, context: StepContext, last: str) -> None:
        """Raises VerifyFailed when nothing runs in the slot any more: waiting longer would only cost users more."""
        slot = str(context.step.params["slot"])
        try:
            facts = await context.access.workload(context.plan.service, slot).observe()
        except Unreachable:
            return  # the platform is silent, not the slot; the answers decide
        if facts.instances and facts.ready_count == 0:
            why = next((one.message for one in facts.instances if one.message), "no reason given")
            raise VerifyFailed(f"nothing runs in {slot} any more ({why}): {last}")

    async def _reaches(self, context: StepContext, service: object, deadline: Deadline) -> str:
        if not isinstance(service, PostgresService | RedisService):
            raise VerifyFailed(f"'{context.plan.service}' has no address to prove it at")
        found: Check = await until(
            lambda: reach(context.plan.service, service),
            lambda check: check.gate is Gate.PASS,
            deadline,
            lambda check: check.evidence,
            every=EVERY,
        )
        return found.evidence

    async def _platform(self, context: StepContext, deadline: Deadline) -> str:
        """Answers that do not name the release prove none: then every instance must be of the planned reference."""
        slot, reference = str(context.step.params["slot"]), str(context.step.params["reference"])
        facts = await until(
            context.access.workload(context.plan.service, slot).observe,
            lambda seen: seen.current is not None and seen.current.reference == reference,
            deadline,
            lambda seen: f"{seen.current.version if seen.current else 'no single release'} stands in {slot}",
            every=EVERY,
        )
        return f"answers do not name the release, the platform shows {facts.ready_count}/{facts.desired} of it"
