"""Verdicts from the figures of PostgreSQL."""

import pytest

from actions.clients.postgres_figures import PostgresSizes, PostgresStatus
from actions.health.probes.data_verdict import data_verdict
from actions.health.probes.postgres import WORDS, postgres_figures, postgres_summary
from actions.model.services import PostgresThresholds
from actions.model.words import Gate, HealthState

POSTGRES = PostgresStatus(
    latency_ms=3.0,
    version="16.4",
    maximum_connections=100,
    connections=41,
    longest_transaction=2.0,
    longest_by="api",
    blocked=0,
    index_builds=0,
    prepared=0,
    oldest_prepared=0.0,
    standby=False,
    replicas=0,
    sees_all=True,
)
SIZES = PostgresSizes(10_000_000, 1_000, 0, 6)
PREPARED = {"prepared": 2, "oldest_prepared": 7_200.0, "prepared_name": "left"}


@pytest.mark.parametrize(
    ("changes", "word", "summary"),
    [
        ({}, "ok", "41/100 conn  tx 2 s"),
        ({"connections": 81}, "full", "81/100 conn  tx 2 s"),
        ({"longest_transaction": 301.0}, "long tx", "41/100 conn  tx 5 m api"),
        ({"dump": 7_200.0}, "ok", "41/100 conn  tx 2 s  pg_dump 2 h"),
        ({"dump": 50_000.0}, "long tx", "41/100 conn  tx 2 s  pg_dump 13 h"),
        (PREPARED, "long tx", "41/100 conn  tx 2 s  prepared tx 2 h"),
        (PREPARED | {"oldest_prepared": 1.0}, "ok", "41/100 conn  tx 2 s"),
        ({"index_builds": 1, "index_phase": "building index"}, "ok", "41/100 conn  tx 2 s"),
        ({"blocked": 3}, "blocked", "41/100 conn  tx 2 s  3 blocked"),
        ({"latency_ms": 250.0}, "slow", "41/100 conn  tx 2 s  250 ms"),
        ({"replicas": 1, "replication_lag": 31.0}, "lagging", "41/100 conn  tx 2 s  replication lag"),
        ({"standby": True, "replication_lag": 0.0, "receiving": True}, "ok", "41/100 conn  tx 2 s"),
        ({"standby": True, "replication_lag": 9.0, "receiving": False}, "failing", "41/100 conn  tx 2 s  wal receiver"),
        ({"longest_transaction": None, "blocked": None, "sees_all": False}, "ok", "41/100 conn  tx ?"),
        ({"connections": None}, "ok", "?/100 conn  tx 2 s"),
    ],
)
def test_the_word_and_the_summary(changes: dict[str, object], word: str, summary: str) -> None:
    status = PostgresStatus(**(vars(POSTGRES) | changes))
    figures = postgres_figures(status, SIZES, PostgresThresholds())
    assert data_verdict(figures, WORDS)[1] == word
    assert postgres_summary(status, figures) == summary


def test_costly_figures() -> None:
    figures = postgres_figures(POSTGRES, PostgresSizes(1, 1_100_000_000, 2, 6), PostgresThresholds())
    assert data_verdict(figures, WORDS) == (HealthState.DEGRADED, "failing")
    unread = PostgresSizes(unread={"wraparound_age": "why", "invalid_indexes": "why"})
    missing = {figure.name: figure for figure in postgres_figures(POSTGRES, unread, PostgresThresholds())}
    assert missing["size"].value is None and missing["wraparound age"].gate is Gate.INCONCLUSIVE
    assert missing["invalid indexes"].label == "why"
