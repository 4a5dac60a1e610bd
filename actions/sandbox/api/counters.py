"""Tickets and positions in Redis: `vq:<queue>:tickets` given out, `vq:<queue>:served`."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from actions.sandbox.api.database import Database

_AT_LEAST = """
    local now = tonumber(redis.call('get', KEYS[1]) or '0')
    if now < tonumber(ARGV[1]) then redis.call('set', KEYS[1], ARGV[1]) end
"""
_FROM_DATABASE = """
    select q.name, coalesce(max(s.ticket), 0) as tickets, count(*) filter (where s.state = 'served') as served
    from queues q left join sessions s on s.queue_id = q.id group by q.name
"""


class Counters:
    """Counters that never fall behind the database: after any trouble with Redis they are brought up to it first."""

    def __init__(self, port: int, password: str, database: Database) -> None:
        # One attempt only: redis-py would otherwise send an increment again after a lost answer. Requests beyond the
        # sixteenth wait for a connection: the plain pool would refuse them when a colour takes over all users at once.
        pool = BlockingConnectionPool(
            host="127.0.0.1",
            port=port,
            password=password,
            socket_timeout=1.5,
            socket_connect_timeout=1.5,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            max_connections=16,
            timeout=2,
        )
        self._redis = Redis.from_pool(pool)
        self._database = database
        self._trusted = False

    async def next_ticket(self, queue: str) -> int:
        """Take the next ticket of a queue. Raises RedisError."""
        await self._ensure()
        return int(await self._try(self._redis.incr(f"vq:{queue}:tickets")))

    async def served(self, queue: str) -> None:
        """Count one session served. Raises RedisError."""
        await self._try(self._redis.incr(f"vq:{queue}:served"))

    async def lengths(self, queues: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Tickets given out and sessions served, for each queue. Raises RedisError."""
        await self._ensure()
        keys = [f"vq:{queue}:{kind}" for queue in queues for kind in ("tickets", "served")]
        values = [int(value or 0) for value in await self._try(self._redis.mget(keys))] if keys else []
        return {queue: (values[2 * index], values[2 * index + 1]) for index, queue in enumerate(queues)}

    async def ping(self) -> None:
        """Raises RedisError when Redis does not answer."""
        await self._try(self._redis.ping())

    def distrust(self) -> None:
        """Compare with the database before the next use."""
        self._trusted = False

    async def _ensure(self) -> None:
        if self._trusted:
            return
        for row in await self._database.query(_FROM_DATABASE):
            for kind in ("tickets", "served"):
                await self._try(self._redis.eval(_AT_LEAST, 1, f"vq:{row['name']}:{kind}", str(row[kind])))
        self._trusted = True

    async def _try(self, command: Any) -> Any:
        try:
            return await command
        except RedisError:
            self._trusted = False
            raise

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
