"""Plans and requests for tests of the ledger and the runner."""

from typing import Any

from actions.model.plan import Level, OnFailure, Phase, Plan, PlannedStep, RollbackRequest


def step(number: int, kind: str = "effect", *, changes: bool = True, **more: Any) -> PlannedStep:
    """One planned step."""
    values: dict[str, Any] = {"title": f"step {number}", "budget_seconds": 5.0} | more
    return PlannedStep(id=number, kind=kind, changes=changes, **values)


def make_plan(*steps: PlannedStep, target: str = "demo/api", version: str = "1", **more: Any) -> Plan:
    """A plan over these steps; a lock step and one effect when none are given."""
    chosen = steps or (step(1, "lock", changes=False), step(2))
    values: dict[str, Any] = {
        "procedure": "rollback",
        "procedure_version": version,
        "environment": "demo",
        "service": "api",
        "target": target,
        "title": "Roll back api to 1.0",
        "level": Level.EMERGENCY,
        "from_version": "1.1",
        "to_version": "1.0",
        "to_reference": "sha256:10",
        "reason": "errors",
        "moves": ("traffic",),
        "keeps": ("data",),
        "phases": (Phase(name="all", steps=chosen),),
        "expected_seconds": 2.0,
        "budget_seconds": 60.0,
    }
    return Plan(**(values | more))


def request(key: str | None = None, **more: Any) -> RollbackRequest:
    """A request for the plan above."""
    return RollbackRequest(environment="demo", service="api", reason="errors", key=key, **more)


__all__ = ["OnFailure", "make_plan", "request", "step"]
