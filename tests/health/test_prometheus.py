"""Prometheus as a source: its figures come first, its absence is said, nothing is assumed good in its place."""

import json
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from actions.clients.prometheus import PrometheusReader
from actions.health.probes.http import HttpProbe
from actions.health.reading import Reading
from actions.health.side import SideFacts
from actions.health.watches import PrometheusWatch
from actions.model.health import Figure
from actions.model.services import HttpService, HttpThresholds, PrometheusSource
from actions.model.words import Gate, HealthState
from tests.hostile_http import answer, bad_server

QUERIES = {"latency_ms": "lat", "error_rate": "err", "throughput": "thr"}
LIMITS = HttpThresholds(throughput=50, latency_down_ms=60_000)


def vector(*values: str, at: float | None = None, **more: Any) -> bytes:
    """An answer with a sample of each value, of now unless `at` says otherwise."""
    samples = [{"metric": {}, "value": [time.time() if at is None else at, value]} for value in values]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": samples}, **more}).encode()


async def looked_at(**bodies: Callable[[], bytes] | bytes) -> tuple[Reading, dict[str, Figure]]:
    """The service's row, with a Prometheus that answers these queries."""
    async with bad_server() as server:
        side = SideFacts()
        for query, body in bodies.items():
            answered = answer(body) if isinstance(body, bytes) else body()
            server.answers[f"/api/v1/query?query={query}"] = lambda answered=answered: answered
        source = PrometheusSource(url=server.url, **QUERIES)
        settings = HttpService(url=server.url, prometheus=source, thresholds=LIMITS, timeout=10)
        watch, probe = PrometheusWatch(source, side), HttpProbe("api", None, settings, side)
        try:
            await watch.look()
            reading = (await probe.look())["api"]
        finally:
            await watch.close()
            await probe.close()
    return reading, {figure.name: figure for figure in reading.figures}


async def test_its_figures_come_first_and_are_judged() -> None:
    reading, figures = await looked_at(lat=vector("350"), err=vector("0.002"), thr=vector("80"))
    assert [(figures[name].value, figures[name].label) for name in ("latency", "error rate")] == [
        (350.0, "Prometheus"), (0.002, "Prometheus")]  # fmt: skip
    assert (reading.state, reading.word, reading.summary) == (HealthState.DEGRADED, "slow", "mean 350 ms")
    assert figures["throughput"].value == 80 and figures["throughput"].gate is Gate.PASS


async def test_errors_it_sees_are_errors() -> None:
    reading, _ = await looked_at(lat=vector("20"), err=vector("0.072"), thr=vector("80"))
    assert (reading.word, reading.summary) == ("errors", "7.2 % errors")


@pytest.mark.parametrize(("made", "reason"), [
    pytest.param(vector, "no sample", id="nothing"),
    pytest.param(lambda: vector("1", "2"), "2 samples, not one", id="several"),
    pytest.param(lambda: vector("NaN"), "not a finite number", id="nan"),
    pytest.param(
        lambda: b'{"status":"error","errorType":"bad_data","error":"parse error"}', "parse error", id="refused"
    ),
    pytest.param(lambda: b"<html>proxy login</html>", "Prometheus:", id="no-json"),
    pytest.param(
        lambda: vector("0.0", warnings=["1 of 2 stores did not answer"]),
        "Prometheus warns: 1 of 2 stores did not answer",
        id="partial",
    ),
    pytest.param(lambda: vector("0.0", at=1), "s old", id="old"),
])  # fmt: skip
async def test_absence_is_said_in_every_figure_and_never_good(made: Callable[[], bytes], reason: str) -> None:
    body = made()
    reading, figures = await looked_at(lat=body, err=body, thr=body)
    for name in ("latency", "error rate", "throughput"):
        assert reason in figures[name].label, figures[name]
    throughput: Any = figures["throughput"]
    assert throughput.value is None and throughput.gate is Gate.INCONCLUSIVE
    assert figures["latency"].label.startswith("mean; last") and "own requests" in figures["error rate"].label
    assert reading.state is HealthState.OK, "the service itself answers: its own probe is the fallback"


@pytest.mark.parametrize(("age", "headers", "reason"), [
    (59, {}, ""),
    (61, {}, "the value is 61 s old"),
    (2, {"Age": "300"}, "the value is 302 s old"),
    (float("nan"), {}, "old"),
])  # fmt: skip
async def test_the_age_of_a_value_is_told_by_the_clock_of_prometheus(
    age: float, headers: dict[str, str], reason: str
) -> None:
    """A server whose clock is a day ahead of ours: what it measured just now is not old, and not new for ever."""
    there = int(time.time()) + 86_400
    async with bad_server() as server:
        date = formatdate(there, usegmt=True)
        server.answers["/api/v1/query?query=err"] = lambda: answer(vector("0.5", at=there - age), Date=date, **headers)
        reader = PrometheusReader(server.url)
        measured = await reader.measure("err")
        await reader.close()
    assert (measured.value is None, reason in measured.reason) == (bool(reason), True), measured


async def test_what_prometheus_only_remarks_is_no_warning() -> None:
    _, figures = await looked_at(lat=vector("20"), err=vector("0", infos=["not a counter"]), thr=vector("80"))
    assert figures["error rate"].value == 0
