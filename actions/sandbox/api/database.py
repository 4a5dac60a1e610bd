"""PostgreSQL behind the API: a handful of connections, each statement one transaction and one round trip."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

CONNECTIONS = 4
WAIT_SECONDS = 2.0
Row = dict[str, Any]
Connection = psycopg.AsyncConnection[Row]


class Database:
    """Lends connections; a connection that failed is closed and the next caller opens another."""

    def __init__(self, dsn: str, password: str, *, name: str) -> None:
        self._dsn = dsn
        self._password = password
        self._name = name
        self._idle: list[Connection] = []
        self._slots = asyncio.Semaphore(CONNECTIONS)

    async def query(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run one statement and commit it. Raises psycopg.Error or TimeoutError."""
        async with self._connection() as connection:
            cursor = await connection.execute(statement.encode(), parameters, prepare=True)
            return await cursor.fetchall() if cursor.description else []

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        async with asyncio.timeout(WAIT_SECONDS):
            await self._slots.acquire()
        try:
            connection = self._idle.pop() if self._idle else await self._open()
            try:
                yield connection
            finally:
                if connection.closed or connection.pgconn.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                    await connection.close()
                else:
                    self._idle.append(connection)
        finally:
            self._slots.release()

    async def _open(self) -> Connection:
        return await psycopg.AsyncConnection.connect(
            self._dsn,
            password=self._password,
            autocommit=True,
            row_factory=dict_row,
            connect_timeout=2,
            application_name=self._name,
            options="-c statement_timeout=2000 -c lock_timeout=1000",
        )

    async def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            await self._idle.pop().close()
