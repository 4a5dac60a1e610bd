"""What a plan says about databases is what was read of each of them, and no more."""

import pytest

from actions.model.errors import Refused
from actions.model.words import Gate, Verdict
from actions.procedures.offer import offer
from actions.procedures.rollback import plan_rollback
from tests.releases.making import artefact, facts, release, request, slot, traffic

DATA = {"postgres": "postgres", "archive": "postgres", "redis": "redis"}


def world(low, high, **more):
    standing = slot("green", "2.4.0")
    fitting = standing.workload.model_copy(update={"current": artefact("2.4.0", low, high)})
    return facts(
        slot("blue", "2.4.1"),
        standing.model_copy(update={"workload": fitting}),
        releases=(release("2.4.1", Verdict.CANDIDATE, days=0), release("2.4.0")),
        shares=traffic(blue=1.0, green=0.0),
        data_services=DATA,
        **more,
    )


def schema(found):
    return next(check for check in offer(request(), found).readiness.checks if check.id == "schema")


def test_a_release_that_does_not_say_what_it_runs_on_is_not_said_to_fit():
    silent = world(None, None)
    assert plan_rollback(request(), silent).keeps == ("postgres (schema 41, fit not known)", "archive", "redis")
    assert schema(silent).gate is Gate.INCONCLUSIVE


def test_only_what_was_read_is_said_to_fit():
    assert plan_rollback(request(), world(40, 42)).keeps == ("postgres (schema 41 fits)", "archive", "redis")


def test_the_worst_database_decides():
    with pytest.raises(Refused, match="archive: 2.4.0 runs on schema 40 to 42, in place is 39"):
        plan_rollback(request(), world(40, 42, schemas={"postgres": 41, "archive": 39}))
    unread = world(40, 42, schema_note="archive does not answer")
    assert schema(unread).gate is Gate.INCONCLUSIVE and "does not answer" in schema(unread).evidence
    assert schema(world(40, 42, schemas={"postgres": 41, "archive": 42})).gate is Gate.PASS
