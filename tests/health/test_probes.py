"""Probes against real servers, well and broken."""

import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from actions.health import Poller
from actions.health.probes.http import HttpProbe
from actions.health.side import SideFacts
from actions.health.watches import MetricsWatch, PrometheusWatch
from actions.model.environment import Environment
from actions.model.services import CertificateService, HostService, PrometheusSource, Service
from actions.model.words import Gate, HealthState
from actions.model.workloads import SecretSource, Tls
from tests.certificates import Authority
from tests.faults.proxy import FaultProxy
from tests.health.looking import http, look, look_at, postgres, redis
from tests.hostile_http import HOSTILE, answer, bad_server
from tests.servers import SECRET, Server


@pytest.fixture
def secret(tmp_path: Path) -> SecretSource:
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(0o600)
    return SecretSource(file=path)


async def test_a_healthy_http_service() -> None:
    async with bad_server() as server:
        server.answers["/api/queues"] = lambda: answer(
            b'{"summary":{"queues":10,"queues_active":8,"queue_length_mean":15.5}}'
        )
        server.answers["/api/users"] = lambda: answer(b"[]", X_Version="2.4.1")
        service = http(url=server.url, endpoints=("/api/users", "/api/queues"), queues="/api/queues")
        snapshot = await look(api=service)
        api, queues = snapshot.service("api"), snapshot.service("queues")
        assert api is not None and queues is not None
        assert (api.state, api.word, api.version, api.error) == (HealthState.OK, "ok", "2.4.1", None)
        assert api.summary.startswith("2.4.1  ") and api.summary.endswith(" ms")
        assert api.latency_ms is not None and api.trend == (api.latency_ms,) and api.errors == (0.0,)
        assert (queues.word, queues.summary) == ("ok", "8/10  mean 15.5")
        assert [one.path for one in server.requests].count("/api/queues") == 1


@pytest.mark.parametrize(
    ("path", "state", "word", "words"),
    [
        ("/error", "down", "failing", "answers 500"),
        ("/large", "down", "failing", "larger than"),
        ("/bomb", "down", "failing", "larger than"),
        ("/metadata", "down", "failing", "not followed"),
        ("/garbage", "down", "down", "not a proper HTTP answer"),
        ("/drip", "down", "down", "no complete answer"),
        ("/half", "down", "down", "closed in the middle"),
    ],
)
async def test_absurd_health_answers_are_findings_with_a_reason(path: str, state: str, word: str, words: str) -> None:
    async with bad_server() as server:
        api = await look_at(http(url=server.url, health=path, timeout=1))
    assert (api.state, api.word) == (HealthState(state), word)
    assert words in api.summary and words in (api.error or "")


async def test_hostile_text_reaches_no_field_of_a_snapshot() -> None:
    async with bad_server() as server:
        hostile = HOSTILE.encode().decode("latin-1")
        body = b'{"status":"down","checks":{"d\\u001b[2Jb":{"status":"down","error":"\\u202e\\u009b31m"}}}'
        server.answers["/health"] = lambda: answer(body, X_Version=hostile.replace("\x00", ""))
        server.answers["/queues"] = lambda: answer(b'{"queues": 3, "\\u001b]0;x\\u0007": 1}')
        snapshot = await look(api=http(url=server.url, queues="/queues", ready="/hostile"))
    text = snapshot.model_dump_json() + str(snapshot)
    assert "failing" in text
    assert not any(mark in text for mark in ("\x1b", "\\u001b", "\u202e", "\x9b", "\\u009b", "\x07", "\\x1b"))


async def test_a_readiness_check_that_says_it_is_down_counts_whatever_its_status() -> None:
    async with bad_server() as server:
        server.answers["/ready"] = lambda: answer(b'{"status":"DOWN"}', X_Version="2.4.1")
        api = await look_at(http(url=server.url, ready="/ready"))
        assert (api.state, api.word, api.summary) == (HealthState.DEGRADED, "failing", "/ready says 'DOWN'")
        figure = api.figure("/ready")
        assert figure is not None and figure.gate is Gate.FAIL


async def test_a_verdict_that_is_not_understood_is_not_green_until_the_configuration_settles_it() -> None:
    async with bad_server() as server:
        server.answers["/health"] = lambda: answer(b'{"mood":"fine"}', X_Version="2.4.1")
        api = await look_at(http(url=server.url))
        assert (api.state, api.word, api.error) == (HealthState.UNKNOWN, "unclear", None)
        assert api.latency_ms is not None and "not understood" in api.summary
        assert (await look_at(http(url=server.url, health_body="status-only"))).state is HealthState.OK


async def test_an_endpoint_that_fails_is_remembered_until_it_answers() -> None:
    async with bad_server() as server:
        broken = {"now": True}
        server.answers["/b"] = lambda: answer(b"", "500 Oops") if broken["now"] else answer(b"ok")
        for path in ("/a", "/c"):
            server.answers[path] = lambda: answer(b"ok")
        probe = HttpProbe("api", None, http(url=server.url, endpoints=("/a", "/b", "/c")), SideFacts())
        for _ in range(3):
            reading = (await probe.look())["api"]
            assert (reading.state, reading.word, reading.summary) == (HealthState.DEGRADED, "failing", "/b answers 500")
        broken["now"] = False
        reading = (await probe.look())["api"]
        assert reading.word != "failing"
        assert server.asked("/a") <= 3  # in turn, not all each time
        await probe.close()


async def test_errors_count_over_the_recent_window() -> None:
    async with bad_server() as server:
        probe = HttpProbe("api", None, http(url=server.url), SideFacts())
        for number in range(10):
            status = "500 Oops" if number in {3, 5} else "200 OK"
            server.answers["/health"] = lambda status=status: answer(b"", status)
            reading = (await probe.look())["api"]
        assert (reading.state, reading.word, reading.summary) == (HealthState.DEGRADED, "errors", "20.0 % errors")
        await probe.close()


async def test_two_versions_behind_one_address_are_both_named() -> None:
    async with bad_server() as server:
        probe = HttpProbe("api", None, http(url=server.url), SideFacts())
        for version in ("2.4.0", "2.4.1", "2.4.1"):
            server.answers["/health"] = lambda version=version: answer(b"", X_Version=version)
            reading = (await probe.look())["api"]
        label = next(figure.label for figure in reading.figures if figure.name == "version")
        assert reading.version == "2.4.1" and label == "2.4.1 in 2, 2.4.0 in 1"
        await probe.close()


async def test_errors_of_the_release_before_are_not_held_against_the_one_that_serves() -> None:
    async with bad_server() as server:
        said = {"version": "2.4.5", "status": "500 Oops"}
        server.answers["/health"] = lambda: answer(b"", X_Version=said["version"])
        for path in ("/a", "/b", "/c", "/d"):
            server.answers[path] = lambda: answer(b"", said["status"], X_Version=said["version"])
        probe = HttpProbe("api", None, http(url=server.url, endpoints=("/a", "/b", "/c", "/d")), SideFacts())
        for _ in range(3):
            assert (await probe.look())["api"].state is HealthState.DEGRADED
        said |= {"version": "2.4.0", "status": "200 OK"}
        first = (await probe.look())["api"]
        rate = next(figure for figure in first.figures if figure.name == "error rate")
        assert (first.state, first.judged, first.version) == (HealthState.OK, ("2.4.0",), "2.4.0")
        assert (rate.value, rate.gate, rate.label) == (None, Gate.INCONCLUSIVE, "too few answers of 2.4.0 yet")
        rate = next(figure for figure in (await probe.look())["api"].figures if figure.name == "error rate")
        assert rate.value == 0 and rate.gate is Gate.PASS and "since 2.4.0 serves" in rate.label
        said |= {"version": "2.4.6", "status": "500 Oops"}
        worse = (await probe.look())["api"]  # a new bad release is found with its first look
        assert worse.state is HealthState.DEGRADED and worse.judged == ("2.4.6",)
        worse = (await probe.look())["api"]
        rate = next(figure for figure in worse.figures if figure.name == "error rate")
        assert rate.gate is Gate.FAIL and isinstance(rate.value, float) and rate.value > 0.5
        await probe.close()


async def test_metrics_and_prometheus_feed_the_figures_and_their_absence_is_said() -> None:
    async with bad_server() as server:
        side = SideFacts()
        settings = http(url=server.url, metrics="/metrics")
        watch, probe = MetricsWatch(settings, side), HttpProbe("api", None, settings, side)
        count = {"ok": 100, "bad": 0}
        lines = 'http_requests_total{{code="200"}} {ok}\nhttp_requests_total{{code="500"}} {bad}\n'
        server.answers["/metrics"] = lambda: answer(lines.format(**count).encode())
        await watch.look()
        first = {figure.name: figure for figure in (await probe.look())["api"].figures}
        assert first["throughput"].value is None and first["throughput"].label == "two looks are needed"
        count.update(ok=190, bad=10)
        await watch.look()
        reading = (await probe.look())["api"]
        figures = {figure.name: figure for figure in reading.figures}
        assert figures["error rate"].value == 0.1 and figures["error rate"].label == "metrics"
        assert isinstance(figures["throughput"].value, float) and figures["throughput"].value > 0
        assert (reading.state, reading.word) == (HealthState.DEGRADED, "errors")
        # Prometheus comes first where it answers; where it does not, the next source does.
        source = PrometheusSource(url=server.url, error_rate="e", throughput="t")
        server.answers["/api/v1/query?query=e"] = lambda: answer(
            b'{"status":"success","data":{"resultType":"vector","result":[{"value":[%d,"0.001"]}]}}' % time.time()
        )
        prometheus = PrometheusWatch(source, side)
        await prometheus.look()
        reading = (await probe.look())["api"]
        figures = {figure.name: figure for figure in reading.figures}
        assert (figures["error rate"].value, figures["error rate"].label) == (0.001, "Prometheus")
        assert figures["throughput"].label == "metrics" and reading.state is HealthState.OK
        for one in (watch, probe, prometheus):
            await one.close()


async def test_a_dead_prometheus_leaves_the_probe_as_fallback() -> None:
    async with bad_server() as server:
        source = PrometheusSource(url="http://127.0.0.1:1", latency_ms="l")
        api = await look_at(http(url=server.url, prometheus=source))
        assert api.state is HealthState.OK
        latency = api.figure("latency")
        assert latency is not None and latency.value is not None and latency.label.startswith("mean; last")


async def test_postgres(postgres_server: Server, secret: SecretSource) -> None:
    with psycopg.connect(postgres_server.dsn, password=SECRET) as one:
        one.execute("select 1")
        health = await look_at(postgres(dsn=postgres_server.dsn, password=secret))
    assert (health.state, health.word) == (HealthState.OK, "ok"), health
    assert health.summary.startswith("2/20 conn  tx 0 s")
    names = {figure.name: figure for figure in health.figures}
    assert {"latency", "connections", "longest transaction", "blocked sessions", "size", "wraparound age"} <= set(names)
    assert names["invalid indexes"].gate is Gate.PASS and names["connections"].label == "2 of 20"


async def test_postgres_that_dies_keeps_its_last_figures(postgres_server: Server, secret: SecretSource) -> None:
    async with FaultProxy(("127.0.0.1", postgres_server.port)) as proxy:
        dsn = f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres"
        poller = Poller("test", Environment(services={"pg": postgres(dsn=dsn, password=secret, timeout=1)}), None)
        good = (await poller.once()).services[0]
        await proxy.refuse()
        proxy.drop(reset=True)
        dead = (await poller.once()).services[0]
        if dead.state is HealthState.OK:  # the break was seen only now
            dead = (await poller.once()).services[0]
        assert dead.state is HealthState.DOWN and dead.figures == good.figures and dead.observed_at == good.observed_at
        assert dead.error is not None and str(proxy.port) in dead.error
        await proxy.accept()
        assert (await poller.once()).services[0].state is HealthState.OK
        await poller.close()


async def test_redis(redis_server: Server, secret: SecretSource) -> None:
    health = await look_at(redis(url=redis_server.url, password=secret))
    assert (health.state, health.word) == (HealthState.OK, "ok"), health
    assert health.version is not None and "mem  hit" in health.summary
    refused = await look_at(redis(url=redis_server.url))
    assert refused.state is HealthState.DOWN and "refused" in (refused.error or "")


async def test_host_and_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.issue("api", days=5)
    async with bad_server(issued.server_context()) as server:
        certificate = CertificateService(host="127.0.0.1", port=server.port, tls=Tls(ca=authority.file))
        snapshot = await look(host=HostService(), certificate=certificate, gone=HostService(path=tmp_path / "none"))
    host, cert, gone = snapshot.services
    cpu = host.figure("cpu")
    assert cpu is not None and isinstance(cpu.value, float) and host.summary.startswith("cpu ")
    assert (cert.word, cert.summary) == ("expires", "4 d left")
    assert (gone.state, gone.word) == (HealthState.UNKNOWN, "no data")


async def test_many_dead_and_good_at_once() -> None:
    async with bad_server() as server:
        services: dict[str, Service] = {f"good-{n}": http(url=server.url) for n in range(20)}
        services |= {f"dead-{n}": http(url="http://127.0.0.1:1") for n in range(20)}
        snapshot = await look(**services)
        states = {one.service: one.state for one in snapshot.services}
        assert all(states[f"good-{n}"] is HealthState.OK for n in range(20))
        assert all(states[f"dead-{n}"] is HealthState.DOWN for n in range(20))
        assert abs((snapshot.at - datetime.now(UTC)).total_seconds()) < 60
