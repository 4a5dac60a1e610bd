"""Validation after a rollback: service, endpoints, databases and caches; an error is a failure."""

import asyncio
from collections.abc import Mapping

from actions.clients.http import HttpReader, Trouble
from actions.model.errors import VerifyFailed
from actions.model.health import Check
from actions.model.platform import Evidence
from actions.model.services import HttpService
from actions.model.waiting import Deadline
from actions.model.words import Gate
from actions.steps.check_conditions import ANSWERED_SECONDS, FAILING
from actions.steps.contract import Step, StepContext
from actions.steps.other_side import as_slow, refuse_silence
from actions.steps.outside import Expected, ask_health, expected_word, reader
from actions.steps.reach import reach_all

EVERY = 0.1


class Validate(Step):
    """All checks at the same time, again until all pass or the deadline passes; the last results are the evidence."""

    kind = "validate"

    async def act(self, context: StepContext) -> Evidence:
        """Only observes."""
        return Evidence(text="validating")

    async def verify(self, context: StepContext) -> Evidence:
        """Raises VerifyFailed naming every check that fails, Undecided where neither side answers in time.

        A database or cache that failed already before anything was touched fails loudly in the evidence and nowhere
        else: going back to the release that was left would not cure it.
        """
        before = (await context.records.evidence(context.plan, "check-conditions")).get(FAILING)
        known = {str(one) for one in before} if isinstance(before, list) else set()
        remaining = context.deadline().remaining() - context.environment.policy.validation_seconds
        deadline = Deadline(max(0.5, remaining))
        while True:
            checks, slow = await measured(context)
            failing = [check for check in checks if check.gate is not Gate.PASS]
            failed = [check for check in failing if check.id not in known]
            if not failed:
                return _passed(checks, failing)
            if deadline.passed:
                lines = "; ".join(f"{check.title}: {check.evidence}" for check in failed)
                words = f"{len(failed)} of {len(checks)} checks fail: {lines}"
                if any(check.id not in slow for check in failed):
                    raise VerifyFailed(words)
                still = [check for check in failing if check.id in known]
                return _passed(checks, still, await _all_slow(context, words, slow))
            await asyncio.sleep(min(EVERY, deadline.remaining()))


async def _all_slow(context: StepContext, words: str, slow: Mapping[str, bool]) -> str:
    """Why nothing is undone though answers take too long. Raises VerifyFailed where the other side is quicker."""
    if not all(slow.values()):
        await refuse_silence(context, words)
    before = (await context.records.evidence(context.plan, "check-conditions")).get(ANSWERED_SECONDS)
    limit = context.environment.policy.validation_seconds
    comparison = await as_slow(context, limit, before if isinstance(before, float | int) else None)
    if not comparison:
        raise VerifyFailed(words)
    return f"slow ({words}), and that is no reason to go back: {comparison}"


def _passed(checks: tuple[Check, ...], still: list[Check], slow: str = "") -> Evidence:
    text = f"{len(checks) - len(still)} of {len(checks)} checks pass"
    text += f", {slow}" if slow else ""
    if still:
        text += "; FAIL as before the rollback: " + "; ".join(f"{one.title}: {one.evidence}" for one in still)
    listed = [f"{check.title}: {check.evidence}" for check in checks]
    return Evidence(text=text, data={"checks": list(listed), FAILING: [one.id for one in still]})


async def validate(context: StepContext) -> tuple[Check, ...]:
    """Every check once. Raises VerifyFailed where there is nothing to check: nothing measured is no pass."""
    return (await measured(context))[0]


async def measured(context: StepContext) -> tuple[tuple[Check, ...], Mapping[str, bool]]:
    """Every check once, and which of them failed only by taking too long: True where a right answer came in the end."""
    slow: dict[str, bool] = {}
    main = context.environment.services[context.plan.service]
    checks = list(await reach_all(context.environment))
    if isinstance(main, HttpService):
        http = reader(main)
        try:
            limit = context.environment.policy.validation_seconds
            checks[:0] = await _service(http, main, expected_word(context.step), limit, slow)
        finally:
            await http.close()
    if not checks:
        raise VerifyFailed(f"nothing about '{context.plan.service}' can be validated from here")
    return tuple(checks), slow


async def _service(
    http: HttpReader, service: HttpService, expected: Expected, limit: float, slow: dict[str, bool]
) -> list[Check]:
    health, *endpoints = await asyncio.gather(
        _health(http, service, expected, limit, slow),
        *(_endpoint(http, path, limit, slow) for path in service.endpoints),
    )
    return [health, *endpoints]


async def _health(
    http: HttpReader, service: HttpService, expected: Expected, limit: float, slow: dict[str, bool]
) -> Check:
    verdict = await ask_health(http, service, expected)
    right = verdict.right and verdict.seconds < limit
    if not right and (verdict.right or verdict.silent):
        slow["health"] = verdict.right
    text = verdict.text if verdict.seconds < limit else f"{verdict.text}, limit {limit:g} s"
    return Check(id="health", title="health", gate=Gate.PASS if right else Gate.FAIL, evidence=text)


async def _endpoint(http: HttpReader, path: str, limit: float, slow: dict[str, bool]) -> Check:
    answer = await http.get(path)
    right = answer.good and answer.seconds < limit
    if not right and (answer.good or answer.trouble is Trouble.TIMEOUT):
        slow[path] = answer.good
    text = f"{answer.status}, {answer.milliseconds:.0f} ms" if answer.good else answer.reason
    if answer.good and not right:
        text = f"{answer.seconds:.1f} s, limit {limit:g} s"
    return Check(id=path, title=path, gate=Gate.PASS if right else Gate.FAIL, evidence=text)
