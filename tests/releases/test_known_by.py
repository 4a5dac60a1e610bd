"""By what a rollback's target is known: never by less than its version, unless the service names releases otherwise."""

import pytest

from actions.desk.doctor import names
from actions.model.words import Verdict
from actions.procedures.rollback import plan_rollback
from actions.releases.known_by import expected
from tests.releases.making import ILL, facts, release, request, slot

OLD, NEW = "5.0.0-slim", "5.1.0-slim"


def world(said=None, *, old=None, new=None, names=(OLD, NEW)):
    """`said`: the outside answers so; `old` and `new`: what was learned of each while it served."""
    rows = (
        release(names[0], answered=old),
        release(names[1], Verdict.CANDIDATE, days=0, answered=new),
    )
    health = ILL.model_copy(update={"version": said})
    return facts(slot("main", names[1], names[0]), releases=rows, health=health)


@pytest.mark.parametrize(
    ("seen", "word", "by_reference"),
    [
        (world("5.1.0"), None, True),
        (world("5.1.0", old="5.0.0"), "5.0.0", True),
        (world(None, old="5.0.0"), "5.0.0", True),
        (world(None, new="5.1.0"), None, True),
        (world(None), OLD, False),
        (world("dev", old="dev", new="dev"), "dev", True),
        (world("5.1.0", names=("5.0.0", "5.1.0")), "5.0.0", False),
        (world(None, names=("5.0.0", "5.1.0")), "5.0.0", False),
        (world("5.0.0", names=("5.0.0", "5.1.0")), "5.0.0", False),  # the one before still answers
        (world("5.1.0", old="5.0.0", new="5.1.0", names=("5.0.0", "5.1.0")), "5.0.0", False),
    ],
)
def test_what_is_demanded(seen, word, by_reference):
    assert expected(seen)[:2] == (word, by_reference)
    for step in plan_rollback(request(), seen).steps:
        if step.kind in ("prove-outside", "validate", "prove-slot"):
            assert (step.params["word"], step.params["by_reference"]) == (word, by_reference)


def test_the_plan_says_by_what_the_release_is_known():
    def title(seen):
        return next(one.title for one in plan_rollback(request(), seen).steps if one.kind == "prove-outside")

    assert title(world("5.1.0")) == "prove health from outside, release by reference"
    assert title(world("5.1.0", old="5.0.0")) == "prove health from outside, release as 5.0.0"
    assert title(world("5.1.0", names=("5.0.0", "5.1.0"))) == "prove health from outside"


def test_the_doctor_says_that_the_names_differ():
    (check,) = names(world("5.1.0"))
    assert check.evidence.startswith("answers as 5.1.0, its platform says 5.1.0-slim")
    assert names(world("5.1.0", names=("5.0.0", "5.1.0"))) == names(world(None)) == []
