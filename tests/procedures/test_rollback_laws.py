"""Laws of choosing and planning that hold for every world."""

from hypothesis import given, settings
from hypothesis import strategies as st

from actions.model.errors import VqError
from actions.model.words import Verdict
from actions.procedures.rollback import plan_rollback
from actions.releases.choice import last_known_good
from actions.releases.observe import marked_bad
from tests.releases.making import NOW, facts, release, request, slot, traffic

VERSIONS = [f"2.{minor}.{patch}" for minor in range(3) for patch in range(3)]
PROOFS = {"prove-slot", "prove-outside"}


@st.composite
def worlds(draw):
    serving, standby = draw(st.permutations(VERSIONS))[:2]
    at_hand = draw(st.lists(st.sampled_from(VERSIONS), unique=True))
    known = draw(st.lists(st.sampled_from(VERSIONS), unique=True))
    rows = tuple(
        release(version, draw(st.sampled_from(list(Verdict))), days=draw(st.floats(0, 90))) for version in known
    )
    share = draw(st.sampled_from([1.0, 0.9, 0.5]))
    shares = traffic(blue=share, green=1 - share)
    ready = draw(st.integers(0, 1))
    wanted = draw(st.sampled_from([None, *VERSIONS]))
    plain = draw(st.booleans())
    slots = (slot("blue", serving, *at_hand), slot("green", standby, *at_hand, ready=ready))
    slots = slots[:1] if plain else slots
    return {"slots": slots, "releases": rows, "shares": None if plain else shares, "wanted": wanted}


def planned(world):
    slots = world["slots"]
    rest = {key: value for key, value in world.items() if key != "slots"}
    seen = facts(*slots, **rest)
    try:
        return seen, plan_rollback(request(world["wanted"]), seen)
    except VqError:
        return seen, None


@settings(max_examples=300, deadline=None)
@given(worlds())
def test_never_to_a_bad_release_nor_to_the_one_that_serves(world):
    seen, plan = planned(world)
    if plan is not None:
        verdicts = {one.reference: one.verdict for one in seen.releases}
        assert verdicts.get(plan.to_reference) is not Verdict.BAD
        assert seen.choice.current is not None and plan.to_reference != seen.choice.current.reference
        if world["wanted"] is None:
            assert verdicts[plan.to_reference] is Verdict.GOOD


@settings(max_examples=300, deadline=None)
@given(worlds())
def test_a_second_rollback_never_returns_to_what_was_left(world):
    seen, plan = planned(world)
    if plan is None:
        return
    left = seen.choice.current
    rows = [marked_bad(one, "left", None, NOW) if one.reference == left.reference else one for one in seen.releases]
    assert last_known_good(rows, plan.to_reference) is None or (
        last_known_good(rows, plan.to_reference).reference != left.reference
    )


@settings(max_examples=300, deadline=None)
@given(worlds())
def test_every_change_is_followed_by_a_proof_and_switching_also_preceded_by_one(world):
    _, plan = planned(world)
    if plan is None:
        return
    kinds = [step.kind for step in plan.steps]
    for number, step in enumerate(plan.steps):
        if step.changes:
            assert PROOFS & set(kinds[number + 1 :])
        if step.kind == "switch-traffic":
            assert kinds[number - 1] == "prove-slot"
    assert kinds.index("check-conditions") < min(n for n, step in enumerate(plan.steps) if step.changes)
    assert [step.id for step in plan.steps] == list(range(1, len(plan.steps) + 1))


@settings(max_examples=100, deadline=None)
@given(worlds())
def test_the_same_facts_give_the_same_digest(world):
    first, second = planned(world)[1], planned(world)[1]
    assert (first is None) == (second is None)
    assert first is None or first.digest == second.digest
