"""What INFO does not tell, or tells oddly, is absent: never 0 and never fine."""

import pytest

from actions.clients.redis_info import parse_status, with_cluster

INFO: dict[str, object] = {
    "redis_version": "7.0.15",
    "redis_mode": "standalone",
    "role": "master",
    "used_memory": 61,
    "maxmemory": 100,
    "total_system_memory": 1_000,
    "keyspace_hits": 98,
    "keyspace_misses": 2,
    "evicted_keys": 3,
    "connected_clients": 4,
    "maxclients": 10_000,
    "blocked_clients": 1,
    "loading": 0,
    "rdb_saves": 5,
    "rdb_last_bgsave_status": "ok",
    "aof_enabled": 1,
    "aof_last_write_status": "ok",
    "aof_last_bgrewrite_status": "ok",
    "connected_slaves": 1,
    "slave0": {"ip": "10.0.0.2", "port": 6379, "state": "online", "offset": 10, "lag": 1},
    "cluster_enabled": 0,
}
FIGURES = {
    "redis_version": {"version"},
    "role": {"role"},
    "used_memory": {"memory_bytes"},
    "maxmemory": {"memory_limit", "limit_is_set"},
    "keyspace_hits": {"hits"},
    "keyspace_misses": {"misses"},
    "evicted_keys": {"evicted"},
    "connected_clients": {"clients"},
    "maxclients": {"maximum_clients"},
    "blocked_clients": {"blocked_clients"},
    "loading": {"loading"},
    "rdb_saves": {"saved"},
    "rdb_last_bgsave_status": {"snapshot_ok"},
    "aof_enabled": {"append_only"},
    "aof_last_write_status": {"append_ok"},
    "aof_last_bgrewrite_status": {"rewrite_ok"},
    "connected_slaves": {"replicas"},
    "slave0": {"replica_lag"},
    "cluster_enabled": {"cluster"},
}
"""The figures that each field carries."""
ABSENT_HERE = {"link_up", "cluster_ok"}
ODD = (None, "", "many", -1, 1.5, [], float("nan"))


def absent(info: dict[str, object]) -> set[str]:
    return {name for name, value in vars(parse_status(info, 1.0)).items() if value is None} - ABSENT_HERE


def test_a_whole_answer_gives_every_figure() -> None:
    assert absent(INFO) == set()


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_a_missing_field_is_an_absent_figure_and_no_other(name: str) -> None:
    assert absent({key: value for key, value in INFO.items() if key != name}) == FIGURES[name]


@pytest.mark.parametrize("value", ODD, ids=repr)
@pytest.mark.parametrize("name", sorted(set(FIGURES) - {"redis_version"}))
def test_an_odd_field_is_an_absent_figure_and_no_other(name: str, value: object) -> None:
    assert absent(INFO | {name: value}) == FIGURES[name]


@pytest.mark.parametrize("flag", ["loading", "aof_enabled", "cluster_enabled"])
def test_a_flag_is_0_or_1(flag: str) -> None:
    assert absent(INFO | {flag: 2}) == FIGURES[flag]


@pytest.mark.parametrize("state", ["wait_bgsave", "send_bulk", None])
def test_a_replica_that_is_not_online_has_no_lag_of_0(state: str | None) -> None:
    late = {"ip": "10.0.0.3", "state": state, "lag": 0}
    assert parse_status(INFO | {"connected_slaves": 2, "slave1": late}, 1.0).replica_lag is None


def test_the_worst_lag_counts() -> None:
    other = {"state": "online", "lag": 40}
    assert parse_status(INFO | {"connected_slaves": 2, "slave1": other}, 1.0).replica_lag == 40


@pytest.mark.parametrize(
    ("fields", "saved"),
    [
        ({"rdb_saves": 0, "rdb_last_bgsave_time_sec": -1}, False),
        ({"rdb_saves": 1, "rdb_last_bgsave_time_sec": -1}, True),  # SAVE, which is none in the background
        ({"rdb_saves": None, "rdb_last_bgsave_time_sec": -1}, False),  # before 7.0
        ({"rdb_saves": None, "rdb_last_bgsave_time_sec": 0}, True),
        ({"rdb_saves": None}, None),
    ],
)
def test_whether_a_snapshot_was_made_since_the_start(fields: dict[str, object], saved: bool | None) -> None:
    assert parse_status(INFO | {"rdb_last_save_time": 1_764_000_000} | fields, 1.0).saved is saved


@pytest.mark.parametrize(
    ("fields", "product", "version"),
    [
        ({}, "Redis", "7.0.15"),
        ({"server_name": "valkey", "redis_version": "7.2.4", "valkey_version": "9.1.2"}, "Valkey", "9.1.2"),
        ({"server_name": "valkey", "redis_version": "7.2.4"}, "Valkey", None),  # not the one it resembles
        ({"server_name": "../\x1b[2J"}, "Redis", "7.0.15"),
    ],
)
def test_the_server_goes_by_its_own_name(fields: dict[str, object], product: str, version: str | None) -> None:
    status = parse_status(INFO | fields, 1.0)
    assert (status.product, status.version) == (product, version)


@pytest.mark.parametrize(
    ("answer", "ok", "words"),
    [
        ({"cluster_state": "ok", "cluster_slots_assigned": "16384", "cluster_slots_fail": "0"}, True, "ok"),
        ({"cluster_state": "fail", "cluster_slots_assigned": "0"}, False, "fail, 0 of 16384 slots assigned"),
        (
            {"cluster_state": "fail", "cluster_slots_assigned": "16384", "cluster_slots_fail": "5461"},
            False,
            "fail, 5461 slots failed",
        ),
        ({"cluster_state": "perhaps"}, None, "perhaps"),
        ({}, None, "no state in the answer to CLUSTER INFO"),
    ],
)
def test_the_state_of_a_cluster(answer: dict[str, object], ok: bool | None, words: str) -> None:
    status = with_cluster(parse_status(INFO | {"cluster_enabled": 1}, 1.0), answer)
    assert (status.cluster_ok, status.cluster_words) == (ok, words)
