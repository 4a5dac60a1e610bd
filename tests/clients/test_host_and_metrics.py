"""Host figures and Prometheus answers."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from actions.clients.host import HostReader
from actions.clients.prometheus import PrometheusReader, one_value
from tests.hostile_http import answer, bad_server


async def test_figures_of_this_host(tmp_path: Path) -> None:
    reader = HostReader(tmp_path)
    first = await reader.status()
    assert first.cpu is None and first.received is None  # shares need two looks
    assert 0 < first.memory < 1 and 0 <= first.disk <= 1 and first.cores >= 1 and first.disk_free_bytes > 0
    second = await reader.status()
    while second.cpu is None:
        second = await reader.status()
    assert 0 <= second.cpu <= 1 and second.sent is not None and second.sent >= 0
    with pytest.raises(OSError, match="nothing"):
        await HostReader(tmp_path / "nothing").status()


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ({"resultType": "vector", "result": [{"metric": {}, "value": [1, "12.5"]}]}, 12.5),
        ({"resultType": "scalar", "result": [1, "3"]}, 3.0),
        ({"resultType": "vector", "result": []}, None),
        ({"resultType": "vector", "result": [{"value": [1, "1"]}, {"value": [1, "2"]}]}, None),
        ({"resultType": "vector", "result": [{"value": [1, "NaN"]}]}, None),
        ({"resultType": "vector", "result": [{"value": [1, "+Inf"]}]}, None),
        ({"resultType": "vector", "result": [{"value": "?"}]}, None),
        ({"resultType": "vector", "result": [{"value": [1, "much"]}]}, None),
        ({"resultType": "vector", "result": [{"value": [1]}]}, None),
        ({"resultType": "matrix", "result": []}, None),
        (None, None),
        ("text", None),
    ],
)
def test_absence_is_none_with_a_reason(data: Any, value: float | None) -> None:
    measured = one_value(data, now=2.0)
    assert measured.value == value
    assert bool(measured.reason) is (value is None)


async def test_prometheus_over_http() -> None:
    async with bad_server() as server:
        good = {"status": "success", "data": {"resultType": "scalar", "result": [time.time(), "0.25"]}}
        path = "/api/v1/query?query=rate%28x%5B1m%5D%29"
        server.answers[path] = lambda: answer(json.dumps(good).encode())
        reader = PrometheusReader(server.url, token=SecretStr("c4nary-token"), timeout=1)
        assert await reader.value("rate(x[1m])") == 0.25
        assert server.requests[0].headers["authorization"] == "Bearer c4nary-token"
        missing = await reader.measure("other")
        assert missing.value is None and missing.reason == "Prometheus: answers 404"
        failed = {"status": "error", "error": "parse error\x1b[31m c4nary"}
        server.answers["/api/v1/query?query=bad"] = lambda: answer(json.dumps(failed).encode(), "400 Bad Request")
        refused = await reader.measure("bad")
        assert refused.value is None and "parse error" in refused.reason and "\x1b" not in refused.reason
        await reader.close()
