"""Verdicts from the figures of Redis and its kin."""

import pytest

from actions.clients.redis_info import RedisStatus, parse_status, with_cluster
from actions.health.probes.redis import redis_figures, redis_summary, redis_verdict
from actions.model.services import RedisThresholds
from actions.model.words import Gate, HealthState
from tests.clients.test_redis_info import INFO

LONE = {name: value for name, value in INFO.items() if name != "slave0"} | {"connected_slaves": 0, "aof_enabled": 0}


def redis(**info: object) -> RedisStatus:
    return parse_status(LONE | info, 0.4)


def judged(status: RedisStatus) -> tuple[HealthState, str, str]:
    figures = redis_figures(status, None, RedisThresholds())
    return *redis_verdict(status, figures), redis_summary(status, figures)


@pytest.mark.parametrize(
    ("info", "state", "word", "summary"),
    [
        ({}, "ok", "ok", "61 % mem  hit 98 %"),
        ({"used_memory": 81}, "degraded", "full", "81 % mem  hit 98 %"),
        ({"keyspace_hits": 200, "keyspace_misses": 800}, "degraded", "cold", "61 % mem  hit 20 %"),
        ({"keyspace_hits": 20, "keyspace_misses": 80}, "ok", "ok", "61 % mem  hit 20 %"),
        ({"keyspace_hits": 0, "keyspace_misses": 0}, "ok", "ok", "61 % mem  hit ?"),
        ({"rdb_last_bgsave_status": "err"}, "degraded", "failing", "61 % mem  hit 98 %  persistence"),
        ({"aof_enabled": 1, "aof_last_write_status": "err"}, "degraded", "failing", "61 % mem  hit 98 %  persistence"),
        (
            {"aof_enabled": 1, "aof_last_bgrewrite_status": "err"},
            "degraded",
            "failing",
            "61 % mem  hit 98 %  persistence",
        ),
        ({"loading": 1}, "down", "loading", "61 % mem  hit 98 %  loading"),
        ({"loading": None}, "unknown", "unread", "61 % mem  hit 98 %"),
        (
            {"role": "slave", "master_link_status": "down"},
            "degraded",
            "failing",
            "61 % mem  hit 98 %  replication",
        ),
        (
            {"connected_slaves": 1, "slave0": {"state": "online", "lag": 40}},
            "degraded",
            "lagging",
            "61 % mem  hit 98 %  replica lag",
        ),
        ({"maxmemory": 0, "total_system_memory": 6100}, "ok", "ok", "1 % mem  hit 98 %"),
        ({"maxmemory": 0, "total_system_memory": None}, "ok", "ok", "mem ?  hit 98 %"),
        ({"server_name": "valkey", "valkey_version": "9.1.2"}, "ok", "ok", "Valkey  61 % mem  hit 98 %"),
    ],
)
def test_the_word_and_the_summary(info: dict[str, object], state: str, word: str, summary: str) -> None:
    assert judged(redis(**info)) == (HealthState(state), word, summary)


def test_a_cluster_that_serves_no_key_is_down_and_one_that_nobody_knows_of_is_not_green() -> None:
    cluster = redis(cluster_enabled=1)
    assert judged(with_cluster(cluster, {"cluster_state": "ok"}))[0] is HealthState.OK
    assert judged(with_cluster(cluster, {"cluster_state": "fail"}))[:2] == (HealthState.DOWN, "failing")
    state, word, summary = judged(with_cluster(cluster, {}, "no right to CLUSTER INFO"))
    assert (state, word) == (HealthState.UNKNOWN, "unread") and summary.endswith("no right to CLUSTER INFO")
    assert judged(redis(cluster_enabled=None))[0] is HealthState.UNKNOWN


def test_a_server_that_tells_nothing_is_not_well() -> None:
    state, word, summary = judged(parse_status({}, 0.4, "no right to INFO"))
    assert (state, word) == (HealthState.UNKNOWN, "unread") and summary.endswith("no right to INFO")


def test_nothing_saved_since_the_start_proves_no_persistence() -> None:
    figures = redis_figures(redis(rdb_saves=0), None, RedisThresholds())
    assert {one.name: one.gate for one in figures}["persistence"] is Gate.INCONCLUSIVE


def test_evictions_are_those_since_the_last_look() -> None:
    def new(now: RedisStatus, before: RedisStatus | None) -> object:
        return {one.name: one.value for one in redis_figures(now, before, RedisThresholds())}["evictions"]

    assert new(redis(evicted_keys=7), redis(evicted_keys=3)) == 4
    assert new(redis(evicted_keys=7), None) is None
    assert new(redis(evicted_keys=7), redis(evicted_keys=None)) is None
