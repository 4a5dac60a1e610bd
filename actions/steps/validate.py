"""Validation after a rollback: service, endpoints, databases and caches; an error is a failure (R7)."""

import asyncio

from actions.clients.http import HttpReader
from actions.model.environment import HttpService
from actions.model.errors import VerifyFailed
from actions.model.health import Check
from actions.model.platform import Evidence
from actions.model.waiting import Deadline
from actions.model.words import Gate
from actions.steps.check_conditions import FAILING
from actions.steps.contract import Step, StepContext
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
        """Raises VerifyFailed naming every check that fails.

        A database or cache that failed already before anything was touched fails loudly in the evidence and nowhere
        else: going back to the release that was left would not cure it.
        """
        before = (await context.records.evidence(context.plan, "check-conditions")).get(FAILING)
        known = {str(one) for one in before} if isinstance(before, list) else set()
        deadline = Deadline(max(0.5, context.step.budget_seconds - context.environment.policy.validation_seconds))
        while True:
            checks = await validate(context)
            failing = [check for check in checks if check.gate is not Gate.PASS]
            failed = [check for check in failing if check.id not in known]
            if not failed:
                return _passed(checks, failing)
            if deadline.passed:
                lines = "; ".join(f"{check.title}: {check.evidence}" for check in failed)
                raise VerifyFailed(f"{len(failed)} of {len(checks)} checks fail: {lines}")
            await asyncio.sleep(min(EVERY, deadline.remaining()))


def _passed(checks: tuple[Check, ...], still: list[Check]) -> Evidence:
    text = f"{len(checks) - len(still)} of {len(checks)} checks pass"
    if still:
        text += "; FAIL as before the rollback: " + "; ".join(f"{one.title}: {one.evidence}" for one in still)
    listed = [f"{check.title}: {check.evidence}" for check in checks]
    return Evidence(text=text, data={"checks": list(listed), FAILING: [one.id for one in still]})


async def validate(context: StepContext) -> tuple[Check, ...]:
    """Every check once. Raises VerifyFailed where there is nothing to check: nothing measured is no pass."""
    main = context.environment.services[context.plan.service]
    checks = list(await reach_all(context.environment))
    if isinstance(main, HttpService):
        http = reader(main)
        try:
            limit = context.environment.policy.validation_seconds
            checks[:0] = await _service(http, main, expected_word(context.step), limit)
        finally:
            await http.close()
    if not checks:
        raise VerifyFailed(f"nothing about '{context.plan.service}' can be validated from here")
    return tuple(checks)


async def _service(http: HttpReader, service: HttpService, expected: Expected, limit: float) -> list[Check]:
    health, *endpoints = await asyncio.gather(
        _health(http, service, expected, limit), *(_endpoint(http, path, limit) for path in service.endpoints)
    )
    return [health, *endpoints]


async def _health(http: HttpReader, service: HttpService, expected: Expected, limit: float) -> Check:
    verdict = await ask_health(http, service, expected)
    right = verdict.right and verdict.seconds < limit
    text = verdict.text if verdict.seconds < limit else f"{verdict.text}, limit {limit:g} s"
    return Check(id="health", title="health", gate=Gate.PASS if right else Gate.FAIL, evidence=text)


async def _endpoint(http: HttpReader, path: str, limit: float) -> Check:
    answer = await http.get(path)
    right = answer.good and answer.seconds < limit
    text = f"{answer.status}, {answer.milliseconds:.0f} ms" if answer.good else answer.reason
    if answer.good and not right:
        text = f"{answer.seconds:.1f} s, limit {limit:g} s"
    return Check(id=path, title=path, gate=Gate.PASS if right else Gate.FAIL, evidence=text)
