"""Prometheus HTTP API, instant queries only. Absence is None with a reason, never a number.

A value that Prometheus warns about (parts of its data were not read) or that is not of now is absent as well.
"""

import math
import time
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from pydantic import JsonValue, SecretStr

from actions.clients.http import Answer, HttpReader
from actions.clients.measured import Measured
from actions.model.text import clean
from actions.model.workloads import Tls

OLDEST_SECONDS = 60.0


class PrometheusReader:
    """Asks one Prometheus server."""

    def __init__(
        self, url: str, *, token: SecretStr | None = None, tls: Tls | None = None, timeout: float = 2.0
    ) -> None:
        """Raises ConfigError."""
        headers = {"Authorization": SecretStr(f"Bearer {token.get_secret_value()}")} if token else {}
        self._http = HttpReader(url, headers=headers, tls=tls, timeout=timeout)

    async def measure(self, query: str) -> Measured:
        """The one value of `query` now. Never raises for what the server does."""
        answer = await self._http.get(f"/api/v1/query?query={quote(query, safe='')}")
        body = answer.json() if answer.reached and answer.trouble is None else None
        if not isinstance(body, dict) or body.get("status") != "success":
            said = body.get("error") if isinstance(body, dict) else None
            return Measured(None, f"Prometheus: {clean(said, limit=150) if said else answer.reason}")
        if warnings := body.get("warnings"):
            first = warnings[0] if isinstance(warnings, list) else warnings
            return Measured(None, f"Prometheus warns: {clean(first, limit=150)}")
        return one_value(body.get("data"), answered_at(answer))

    async def value(self, query: str) -> float | None:
        """The one value of `query` now; None when there is none."""
        return (await self.measure(query)).value

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def answered_at(answer: Answer) -> float:
    """When the server answered, by its own clock (unix seconds): ours may differ. Ours, where it does not say."""
    try:
        said = parsedate_to_datetime(answer.header("Date") or "").timestamp()
    except ValueError:
        return time.time()
    waited = answer.header("Age") or ""  # how long a cache on the way has kept the answer
    return said + (int(waited) if waited.isdecimal() else 0)


def one_value(data: JsonValue, now: float) -> Measured:
    """The value in the `data` of an answer of the time `now`: a scalar, or a vector of exactly one finite sample."""
    result = data.get("result") if isinstance(data, dict) else None
    kind = data.get("resultType") if isinstance(data, dict) else None
    if kind == "vector" and isinstance(result, list):
        if len(result) != 1:
            count = "no sample" if not result else f"{len(result)} samples, not one"
            return Measured(None, f"Prometheus: the query gives {count}")
        sample = result[0]
        result = sample.get("value") if isinstance(sample, dict) else None
    elif kind != "scalar":
        return Measured(None, "Prometheus: the query gives no single value")
    try:
        at, value = map(float, map(str, result if isinstance(result, list) else ()))
    except ValueError:
        return Measured(None, "Prometheus: the answer is not understood")
    if not math.isfinite(value):
        return Measured(None, "Prometheus: the value is not a finite number")
    if not now - at <= OLDEST_SECONDS:
        return Measured(None, f"Prometheus: the value is {now - at:.0f} s old")
    return Measured(value)
