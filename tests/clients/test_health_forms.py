"""What a health answer says is read in every form of the field; what says "ill" is never well, nor a proof."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.clients.health_body import LIMIT, not_well, verdict_of
from actions.clients.health_forms import FORMS
from actions.clients.http import Answer
from actions.model.services import HttpService
from actions.model.text import clean
from actions.model.words import HealthState
from tests.clients.health_bodies import ILL, ILL_TEXTS, UNCLEAR_TEXTS, WELL, WELL_TEXTS

DATA = Path(__file__).parent / "data"
SERVICE = HttpService(url="http://127.0.0.1:1")
BY_STATUS = SERVICE.model_copy(update={"health_body": "status-only"})


def upper(body: Any) -> Any:
    if isinstance(body, dict):
        return {key.upper(): upper(value) for key, value in body.items()}
    return [upper(one) for one in body] if isinstance(body, list) else body


def every(bodies: dict[str, list[Any]]) -> list[Any]:
    return [pytest.param(body, id=f"{form}-{number}") for form in bodies for number, body in enumerate(bodies[form])]


def test_every_form_has_its_source_and_bodies_of_both_kinds() -> None:
    names = {form.name for form in FORMS}
    assert names == set(WELL) == set(ILL) and all(form.source for form in FORMS)


@pytest.mark.parametrize("body", every(WELL))
def test_what_says_well(body: Any) -> None:
    for shape in (body, upper(body)):
        found = verdict_of(json.dumps(shape).encode())
        assert found.proves and found.state is not HealthState.DOWN, found
        assert found.state is HealthState.OK or body["status"] == "warn"


@pytest.mark.parametrize("body", every(ILL))
def test_what_says_ill_is_never_ok(body: Any) -> None:
    for shape in (body, upper(body)):
        text = json.dumps(shape)
        for raw in (text.encode(), ("\ufeff" + text).encode(), text.encode("utf-16")):
            found = verdict_of(raw)
            assert found.state in (HealthState.DOWN, HealthState.DEGRADED) and found.detail, found


@pytest.mark.parametrize("text", WELL_TEXTS)
def test_texts_that_say_well(text: str) -> None:
    assert verdict_of(text.encode()).state is HealthState.OK
    assert not not_well(Answer("/health", 204 if not text else 200, 0.1, text.encode()), SERVICE)


@pytest.mark.parametrize("text", ILL_TEXTS)
def test_texts_that_say_ill(text: str) -> None:
    assert verdict_of(text.encode()).state in (HealthState.DOWN, HealthState.DEGRADED)


@pytest.mark.parametrize("text", [*UNCLEAR_TEXTS, " " * LIMIT + "x"], ids=lambda text: text[:20])
def test_what_is_not_understood_is_no_proof_unless_the_status_alone_counts(text: str) -> None:
    found = verdict_of(text.encode())
    assert (found.state, found.proves) == (HealthState.UNKNOWN, False)
    answer = Answer("/health", 200, 0.1, text.encode())
    assert "status-only" in not_well(answer, SERVICE)
    assert not not_well(answer, BY_STATUS)


def test_the_status_of_http_counts_in_any_case() -> None:
    for service in (SERVICE, BY_STATUS):
        assert not_well(Answer("/health", 503, 0.1, b'{"status":"UP"}'), service)


@pytest.mark.parametrize(
    ("file", "state"),
    [
        ("health-array.json", "down"),
        ("health-aspnet-pascal.json", "down"),
        ("health-bom.txt", "down"),
        ("health-check-state.json", "degraded"),
        ("health-microprofile1.json", "down"),
        ("health-numeric.json", "down"),
    ],
)
def test_bodies_that_were_taken_for_well(file: str, state: str) -> None:
    body = (DATA / file).read_bytes()
    assert verdict_of(body).state is HealthState(state)
    assert not_well(Answer("/health", 200, 0.1, body), SERVICE)


def test_a_service_copes_with_a_check_that_fails_where_the_form_allows_that() -> None:
    for body in (
        {"status": "ok", "checks": {"mail": "down"}},
        {"status": "warn", "checks": {"a": [{"status": "fail"}]}},
    ):
        found = verdict_of(json.dumps(body).encode())
        assert (found.state, found.proves) == (HealthState.DEGRADED, True)


def test_names_and_reasons_of_what_is_not_well() -> None:
    body = {
        "status": "error",
        "error": {"db": {"status": "down", "message": "gone"}},
        "details": {"db": {"status": "down"}},
    }
    assert verdict_of(json.dumps(body).encode()).detail == "db: gone"
    several = {"checks": {"db": {"status": "fail", "output": "refused"}, "redis": False, "mail": "ok"}}
    found = verdict_of(json.dumps(several).encode())
    assert (found.detail, found.reasons) == ("db, redis", "db: refused, redis")


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["UP", "DOWN", "x", ""])
    | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["status", "Status", "checks", "error", "data", "name", "db"]), inner, max_size=4
        )
    ),
)


@given(VALUES)
def test_no_body_breaks_the_reading_and_no_control_character_comes_through(body: Any) -> None:
    found = verdict_of(json.dumps(body).encode())
    assert found.state in HealthState and (found.state is HealthState.OK) == (not found.detail)
    assert clean(found.detail) == found.detail and clean(found.reasons) == found.reasons


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reading(body: bytes) -> None:
    assert verdict_of(body).state in HealthState


def test_a_list_without_end_is_not_read_to_its_end() -> None:
    long = json.dumps({"status": "UP", "checks": [{"name": "n", "status": "UP"}] * 5_000}).encode()
    assert verdict_of(long).state is HealthState.UNKNOWN
    deep = b'{"status":"UP","checks":' * 40 + b"{}" + b"}" * 40
    assert verdict_of(deep).state is HealthState.UNKNOWN
