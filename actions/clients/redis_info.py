"""What INFO and CLUSTER INFO tell. A field that is missing or odd leaves its figure absent, never 0 and never fine."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from actions.model.text import clean

_ROLES = {"master": "primary", "slave": "replica", "sentinel": "sentinel"}
_NAMES = {"redis": "Redis", "valkey": "Valkey"}


@dataclass(frozen=True)
class RedisStatus:
    """One look; None means that there is no such figure or that it could not be read. Lags are seconds.

    `memory_limit` is `maxmemory`, or the host's memory where none is set. `saved` says whether a snapshot was made
    since the server started: until then its persistence is not proved by anything. `refused` is why INFO is missing.
    """

    latency_ms: float
    product: str = "Redis"
    version: str | None = None
    role: str | None = None
    memory_bytes: int | None = None
    memory_limit: int | None = None
    limit_is_set: bool | None = None
    hits: int | None = None
    misses: int | None = None
    evicted: int | None = None
    clients: int | None = None
    maximum_clients: int | None = None
    blocked_clients: int | None = None
    loading: bool | None = None
    saved: bool | None = None
    snapshot_ok: bool | None = None
    append_only: bool | None = None
    append_ok: bool | None = None
    rewrite_ok: bool | None = None
    replicas: int | None = None
    replica_lag: float | None = None
    link_up: bool | None = None
    cluster: bool | None = None
    cluster_ok: bool | None = None
    cluster_words: str = ""
    refused: str = ""


def parse_status(info: Mapping[str, Any], latency_ms: float, refused: str = "") -> RedisStatus:
    """The figures of an INFO answer."""
    limit, host_memory = _count(info.get("maxmemory")), _count(info.get("total_system_memory"))
    product, version = _product(info)
    mode = info.get("server_mode", info.get("redis_mode"))  # Valkey's own word, and Redis's
    role = "sentinel" if mode == "sentinel" else _ROLES.get(str(info.get("role")))
    return RedisStatus(
        latency_ms=latency_ms,
        product=product,
        version=version,
        role=role,
        memory_bytes=_count(info.get("used_memory")),
        memory_limit=None if limit is None else limit or host_memory or None,
        limit_is_set=None if limit is None else limit > 0,
        hits=_count(info.get("keyspace_hits")),
        misses=_count(info.get("keyspace_misses")),
        evicted=_count(info.get("evicted_keys")),
        clients=_count(info.get("connected_clients")),
        maximum_clients=_count(info.get("maxclients")),
        blocked_clients=_count(info.get("blocked_clients")),
        loading=_flag(info.get("loading")),
        saved=_saved(info),
        snapshot_ok=_ok(info.get("rdb_last_bgsave_status")),
        append_only=_flag(info.get("aof_enabled")),
        append_ok=_ok(info.get("aof_last_write_status")),
        rewrite_ok=_ok(info.get("aof_last_bgrewrite_status")),
        replicas=_count(info.get("connected_slaves")),
        replica_lag=_lag(info, role),
        link_up={"up": True, "down": False}.get(str(info.get("master_link_status"))) if role == "replica" else None,
        cluster=_flag(info.get("cluster_enabled")),
        refused=refused,
    )


def with_cluster(status: RedisStatus, answer: Mapping[str, Any], refused: str = "") -> RedisStatus:
    """The status with what CLUSTER INFO says: a cluster that failed answers PING and INFO, and refuses every key."""
    state = answer.get("cluster_state")
    assigned, failed = _slots(answer.get("cluster_slots_assigned")), _slots(answer.get("cluster_slots_fail"))
    words = refused or clean(state or "no state in the answer to CLUSTER INFO", limit=60)
    if assigned is not None and assigned < 16_384:
        words += f", {assigned} of 16384 slots assigned"
    if failed:
        words += f", {failed} slots failed"
    return replace(status, cluster_ok={"ok": True, "fail": False}.get(str(state)), cluster_words=words)


def _slots(value: Any) -> int | None:
    """The values of CLUSTER INFO come as text."""
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 5 else None


def _product(info: Mapping[str, Any]) -> tuple[str, str | None]:
    """The server's own name and version. A relative of Redis gives in `redis_version` the one that it resembles."""
    named = str(info.get("server_name", ""))
    name = named if re.fullmatch(r"[a-z]{1,20}", named) else "redis"
    version = info.get(f"{name}_version")
    return _NAMES.get(name, name.capitalize()), None if version is None else clean(version, limit=60) or None


def _saved(info: Mapping[str, Any]) -> bool | None:
    """LASTSAVE is the start time until a first save; the counter (from 7.0) and the last duration tell."""
    saves = _count(info.get("rdb_saves"))
    if saves is not None:
        return saves > 0
    seconds = _whole(info.get("rdb_last_bgsave_time_sec"))
    return None if seconds is None else seconds >= 0


def _lag(info: Mapping[str, Any], role: str | None) -> float | None:
    """The worst lag. A replica that is not online yet counts as lag 0 in INFO; nothing is known of it."""
    if role == "replica":
        seconds = _count(info.get("master_last_io_seconds_ago"))
        return None if seconds is None else float(seconds)
    replicas = [value for key, value in info.items() if re.fullmatch(r"slave\d+", key)]
    lags = [
        _count(one.get("lag")) if isinstance(one, Mapping) and one.get("state") == "online" else None
        for one in replicas
    ]
    known = [lag for lag in lags if lag is not None]
    return float(max(known)) if known and len(known) == len(lags) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _count(value: Any) -> int | None:
    whole = _whole(value)
    return whole if whole is not None and whole >= 0 else None


def _flag(value: Any) -> bool | None:
    return {0: False, 1: True}.get(value) if _whole(value) is not None else None


def _ok(value: Any) -> bool | None:
    return {"ok": True, "err": False}.get(str(value))
