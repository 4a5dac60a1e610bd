"""Verdicts from measured values; no data is never ok."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.clients.certificate import CertificateFacts
from actions.clients.health_body import json_verdict
from actions.clients.host import HostStatus
from actions.clients.http import Answer, Trouble
from actions.health.judge import at_least, at_most, verdict
from actions.health.probes.certificate import certificate_reading
from actions.health.probes.host import host_figures, host_summary
from actions.health.probes.http_verdict import HttpFacts, http_figures, judge_http
from actions.health.probes.queues import queue_reading
from actions.model.services import HostService, HttpThresholds
from actions.model.words import Gate, HealthState

OK = Answer("/health", 200, 0.038)
REFUSED = Answer("/health", None, 1, trouble=Trouble.REFUSED, detail="connection refused")
MOVED = Answer("/health", 302, 0.1, trouble=Trouble.REDIRECT, detail="points elsewhere")
SICK = {"status": "unhealthy", "checks": {"db": {"status": "down", "error": "gone"}}}
WELL = json_verdict({"status": "ok"})
NOW = datetime(2026, 11, 21, 22, 41, tzinfo=UTC)


@given(st.one_of(st.none(), st.floats(allow_nan=False)), st.one_of(st.none(), st.floats(allow_nan=False)))
def test_a_figure_without_value_or_limit_never_passes(value: float | None, limit: float | None) -> None:
    for figure in (at_most("x", value, limit), at_least("x", value, limit)):
        assert (figure.gate is Gate.INCONCLUSIVE) is (value is None or limit is None)


def test_the_most_important_word_is_chosen() -> None:
    figures = (at_most("a", 2, 1), at_most("b", 2, 1), at_most("c", 0, 1))
    assert verdict(figures, {"b": "full", "a": "lagging"}) == (HealthState.DEGRADED, "full")
    assert verdict(figures, {}) == (HealthState.DEGRADED, "slow")
    assert verdict(figures, {}, frozenset({"a"})) == (HealthState.DOWN, "slow")
    assert verdict(figures[2:], {}) == (HealthState.OK, "ok")


def http(**facts: object) -> tuple[HealthState, str, str]:
    base: dict[str, object] = {"health": OK, "verdict": WELL, "mean_ms": 38.0, "requests": 90, "failed": 0}
    return judge_http(HttpFacts(**(base | facts)), HttpThresholds(throughput=10))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "state", "word", "words"),
    [
        ({}, "ok", "ok", ""),
        ({"health": REFUSED}, "down", "down", "connection refused"),
        ({"health": Answer("/health", 503, 0.1)}, "down", "failing", "answers 503"),
        ({"health": MOVED}, "down", "failing", "points elsewhere"),
        ({"verdict": json_verdict(SICK)}, "down", "failing", "db: gone"),
        ({"verdict": json_verdict({"status": "degraded"})}, "degraded", "degraded", ""),
        ({"mean_ms": 201.0}, "degraded", "slow", "mean 201 ms"),
        ({"mean_ms": 200.0}, "ok", "ok", ""),
        ({"mean_ms": 2_100.0}, "down", "failing", "mean 2.1 s"),
        ({"failing": {"/api/users": "answers 500"}}, "degraded", "failing", "/api/users answers 500"),
        ({"failed": 1}, "ok", "ok", ""),
        ({"failed": 2}, "degraded", "errors", "2.2 % errors"),
        ({"error_rate": 0.05, "error_rate_from": "metrics"}, "degraded", "errors", "5.0 % errors"),
        ({"error_rate": 0.005, "failed": 50}, "ok", "ok", ""),
        ({"throughput": 3.0}, "degraded", "low", "3 req/s"),
        ({"throughput": 30.0}, "ok", "ok", ""),
        ({"verdict": json_verdict({"status": "strange"})}, "unknown", "unclear", "'strange'"),
        ({"verdict": json_verdict({"status": "strange"}), "failed": 2}, "degraded", "errors", "2.2 % errors"),
    ],
)
def test_an_http_service(facts: dict[str, object], state: str, word: str, words: str) -> None:
    found = http(**facts)
    assert (found[0], found[1]) == (HealthState(state), word) and words in found[2]


def test_the_figures_of_an_http_service() -> None:
    answer = Answer("/api/users", 500, 0.1)
    facts = HttpFacts(OK, WELL, 38.0, 90, 0, asked={"/api/users": answer}, versions={"2.4.1": 8, "2.4.0": 2})
    figures = {figure.name: figure for figure in http_figures(facts, HttpThresholds())}
    unclear = HttpFacts(OK, json_verdict({}), 38.0, 90, 0)
    health = http_figures(unclear, HttpThresholds())[0]
    assert health.gate is Gate.INCONCLUSIVE and "status-only" in health.label
    assert (figures["latency"].value, figures["latency"].limit, figures["latency"].gate) == (38.0, 200, Gate.PASS)
    assert figures["throughput"].value is None and figures["throughput"].gate is Gate.INCONCLUSIVE
    assert (figures["/api/users"].value, figures["/api/users"].gate) == ("500", Gate.FAIL)
    assert figures["version"].value == "2.4.1" and figures["version"].label == "2.4.1 in 8, 2.4.0 in 2"


@pytest.mark.parametrize(
    ("body", "state", "words"),
    [
        ({"status": "booting"}, "down", "says 'booting'"),
        ({"status": "x"}, "unknown", "its verdict is not understood: 'x'"),
        ({"status": "down"}, "down", "says 'down'"),
        ({"checks": {"db": {"status": "fail", "output": "refused"}}}, "down", "db: refused"),
        ({"status": "up", "checks": {"db": [{"status": "up"}, {"status": "down"}]}}, "degraded", "db"),
    ],
)
def test_a_status_of_200_does_not_hide_what_the_body_says(body: object, state: str, words: str) -> None:
    """A release that says it is broken must not be shown as ok, nor earn a good verdict, because it answers 200."""
    found = http(verdict=json_verdict(body))  # type: ignore[arg-type]
    assert found[0] is HealthState(state) and found[2] == words


KEYS = st.sampled_from(["status", "checks", "queues", "summary", "length"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
)


@given(JSON)
def test_no_body_breaks_the_reading_of_queues(body: object) -> None:
    assert queue_reading(body, 1.0).word in {"ok", "partial", "no data"}  # type: ignore[arg-type]


def test_queue_metrics_in_several_shapes() -> None:
    summary = {"queues": 10, "queues_active": 8, "sessions_waiting": 155, "queue_length_mean": 15.5, "throughput": 1204}
    for body in (
        {"queues": [], "summary": summary},
        summary,
        {
            "total_queues": 10,
            "active_queues": 8,
            "active_sessions": 155,
            "average_queue_length": 15.5,
            "throughput": 1204,
        },
    ):
        reading = queue_reading(body, 5.0)  # type: ignore[arg-type]
        assert (reading.word, reading.summary, reading.plotted) == ("ok", "8/10  1.2k/s  mean 15.5", 15.5)
        assert {figure.name: figure.value for figure in reading.figures}["sessions"] == 155
    listed = queue_reading({"queues": [{"length": 3}, {"length": 0}]}, 1.0)
    assert listed.summary == "1/2  mean 1.5"
    unknown = queue_reading({"queues": [{"length": None}, {"length": 0}]}, 1.0)
    assert (unknown.state, unknown.word, unknown.summary) == (HealthState.DEGRADED, "partial", "?/2  mean ?")
    assert queue_reading({"hello": 1}, 1.0).state is HealthState.UNKNOWN


def test_host() -> None:
    status = HostStatus(0.45, 1.2, 2, 0.6, 0.0, 0.95, 10, None, None)
    figures = host_figures(status, HostService())
    assert host_summary(status, figures) == "cpu 45 %  mem 60 %  disk 95 %"
    assert verdict(figures, {"disk": "full"}) == (HealthState.DEGRADED, "full")


@pytest.mark.parametrize(
    ("days", "problem", "state", "word", "summary"),
    [
        (90, "", "ok", "ok", "90 d left"),
        (20, "", "degraded", "expires", "20 d left"),
        (0.5, "", "degraded", "expires", "12 h left"),
        (-1, "certificate has expired", "down", "expired", "since 2026-11-20"),
        (90, "self-signed certificate", "down", "failing", "self-signed certificate"),
    ],
)
def test_certificate(days: float, problem: str, state: str, word: str, summary: str) -> None:
    facts = CertificateFacts(NOW - timedelta(days=100), NOW + timedelta(days=days), "api", "ca", problem)
    reading = certificate_reading(facts, 21, NOW)
    assert (reading.state, reading.word, reading.summary) == (HealthState(state), word, summary)
