"""What the API does, without HTTP: lists, and writes that are committed when they return."""

import uuid
from typing import Any

from psycopg import errors
from redis.exceptions import RedisError

from actions.sandbox.api.counters import Counters
from actions.sandbox.api.database import Database, Row

_JOIN = """
    with u as (insert into users (name) values (%s) on conflict (name) do update set name = excluded.name returning id),
    s as (insert into sessions (queue_id, user_id, ticket) select q.id, u.id, %s from queues q, u where q.name = %s
          returning id, ticket, joined_at::text),
    e as (insert into events (token, kind, session_id, version, colour) select %s, 'join', s.id, %s, %s from s)
    select * from s
"""
_SERVE = """
    with n as (select s.id from sessions s join queues q on q.id = s.queue_id where q.name = %s and s.state = 'waiting'
               order by s.ticket limit 1 for update of s skip locked),
    d as (update sessions set state = 'served', served_at = now() from n where sessions.id = n.id
          returning sessions.id, sessions.ticket),
    e as (insert into events (token, kind, session_id, version, colour)
          select %s, 'serve', (select id from d), %s, %s from queues where name = %s returning token)
    select d.id, d.ticket from e left join d on true
"""
_CREATE = {
    "queue": """
    with n as (insert into queues (name) values (%s) on conflict do nothing returning id),
    e as (insert into events (token, kind, version, colour) values (%s, 'queue', %s, %s))
    select id from n
    """,
    "user": """
    with n as (insert into users (name) values (%s) on conflict do nothing returning id),
    e as (insert into events (token, kind, version, colour) values (%s, 'user', %s, %s))
    select id from n
    """,
}
_SESSIONS = """
    select s.id, q.name as queue, u.name as user, s.ticket, s.state, s.joined_at::text
    from sessions s join queues q on q.id = s.queue_id join users u on u.id = s.user_id order by s.id desc limit %s
"""


class Unknown(Exception):
    """The request names something that does not exist."""


class Service:
    """Queues, users and sessions. Each write leaves one event under its unique token; a known token changes nothing."""

    def __init__(self, database: Database, counters: Counters, *, version: str, colour: str) -> None:
        self.database = database
        self.counters = counters
        self._mark = (version, colour)

    async def queues(self) -> list[Row]:
        """All queues with their length; the length is None while Redis is away."""
        rows = await self.database.query("select id, name, created_at::text from queues order by id limit 500")
        try:
            lengths = await self.counters.lengths([row["name"] for row in rows])
        except RedisError:
            lengths = {}
        for row in rows:
            tickets, served = lengths.get(row["name"], (None, None))
            length = None if tickets is None or served is None else max(0, tickets - served)
            row.update(length=length, tickets=tickets, served=served)
        return rows

    async def users(self, limit: int) -> list[Row]:
        """The newest users."""
        return await self.database.query(
            "select id, name, created_at::text from users order by id desc limit %s", (limit,)
        )

    async def sessions(self, limit: int) -> list[Row]:
        """The newest sessions."""
        return await self.database.query(_SESSIONS, (limit,))

    async def create(self, kind: str, name: str, token: str | None) -> dict[str, Any]:
        """Create a queue or a user by name; one that exists already stays."""
        token = token or uuid.uuid4().hex
        try:
            rows = await self.database.query(_CREATE[kind], (name, token, *self._mark))
        except errors.UniqueViolation:
            return {"name": name, "token": token, "repeated": True}
        return {"name": name, "token": token, "created": bool(rows)}

    async def join(self, queue: str, user: str, token: str | None) -> dict[str, Any]:
        """Join a queue: the ticket comes from Redis, the session is committed in PostgreSQL."""
        token = token or uuid.uuid4().hex
        ticket = await self.counters.next_ticket(queue)
        try:
            rows = await self.database.query(_JOIN, (user, ticket, queue, token, *self._mark))
        except errors.UniqueViolation as error:
            if error.diag.constraint_name != "events_pkey":
                self.counters.distrust()  # Redis lost tickets it gave out; the next join compares first
                raise
            return {"queue": queue, "token": token, "repeated": True}
        if not rows:
            raise Unknown(f"no queue {queue!r}")
        return {
            "queue": queue,
            "user": user,
            "token": token,
            **rows[0],
            "position": await self._position(queue, ticket),
        }

    async def serve(self, queue: str, token: str | None) -> dict[str, Any]:
        """Serve whoever waits longest; `session` is None when nobody waits."""
        token = token or uuid.uuid4().hex
        try:
            rows = await self.database.query(_SERVE, (queue, token, *self._mark, queue))
        except errors.UniqueViolation:
            return {"queue": queue, "token": token, "repeated": True}
        if not rows:
            raise Unknown(f"no queue {queue!r}")
        served = rows[0]["id"] is not None
        if served:
            try:
                await self.counters.served(queue)
            except RedisError:
                self.counters.distrust()  # committed all the same; the counter is brought up to it later
        return {"queue": queue, "token": token, "session": rows[0] if served else None}

    async def _position(self, queue: str, ticket: int) -> int | None:
        try:
            _, served = (await self.counters.lengths([queue]))[queue]
        except RedisError:
            return None
        return max(0, ticket - served)
