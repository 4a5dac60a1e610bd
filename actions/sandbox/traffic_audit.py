"""Compares what users were promised with what the database holds."""

import time
from typing import Any

from actions.platforms.local.httpd import HttpError
from actions.sandbox.layout import Layout
from actions.sandbox.traffic_record import Acknowledged

BATCH = 5_000
_MISSING = """
    select t.token from unnest(%s::text[]) as t (token)
    where not exists (select 1 from events e where e.token = t.token)
"""


def audit(layout: Layout, acknowledged: Acknowledged, since: float) -> dict[str, Any]:
    """Acknowledged writes that the database does not hold. HttpError 503 when it cannot be asked: unknown is not 0."""
    import psycopg  # only an audit needs it; the load generator stays small

    began = time.monotonic()
    tokens = acknowledged.tokens(since)
    lost: list[str] = []
    try:
        password = layout.secret("vq_monitor")
        dsn = layout.dsn("vq_monitor")
        with psycopg.connect(
            dsn, password=password, connect_timeout=3, options="-c statement_timeout=20000"
        ) as connection:
            for start in range(0, len(tokens), BATCH):
                rows = connection.execute(_MISSING, (tokens[start : start + BATCH],)).fetchall()
                lost += [row[0] for row in rows]
    except psycopg.Error as error:
        raise HttpError(503, f"the database cannot be asked: {str(error).strip()}") from error
    return {
        "since": since,
        "acknowledged_writes": len(tokens),
        "lost_writes": len(lost),
        "lost": lost[:20],
        "seconds": round(time.monotonic() - began, 3),
    }
