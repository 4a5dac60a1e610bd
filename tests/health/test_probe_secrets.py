"""Secrets never show, and are read again when that may help."""

from pathlib import Path

from pydantic import SecretStr

from actions.health import Poller
from actions.model.environment import Environment
from actions.model.words import HealthState
from actions.model.workloads import SecretSource
from tests.health.looking import http, look, postgres, redis
from tests.hostile_http import answer, bad_server
from tests.servers import SECRET, Server


async def test_canary_secrets_appear_in_no_snapshot(
    postgres_server: Server, redis_server: Server, tmp_path: Path
) -> None:
    """Row 54: in every failure that a probe can meet, the secret is nowhere in what is shown."""
    path = tmp_path / "wrong"
    path.write_text("wr0ng-Canary-pass")
    path.chmod(0o600)
    wrong = SecretSource(file=path)
    async with bad_server() as server:
        server.answers["/health"] = lambda: answer(b'{"status":"down","checks":{"x":{"status":"down","error":"no"}}}')
        snapshot = await look(
            api=http(url=server.url, headers={"Authorization": wrong}),
            dead=http(url="http://127.0.0.1:1", headers={"Authorization": wrong}),
            pg=postgres(dsn=postgres_server.dsn, password=wrong),
            inline=postgres(dsn=postgres_server.dsn.replace("postgres@", "postgres:wr0ng-Canary-pass@")),
            redis=redis(url=redis_server.url, password=wrong),
            inline_redis=redis(url=redis_server.url.replace("//", "//:wr0ng-Canary-pass@")),
        )
    assert {one.state for one in snapshot.services} == {HealthState.DOWN}
    assert "Canary" not in snapshot.model_dump_json() and "Canary" not in repr(snapshot)


async def test_a_secret_that_appears_later_is_picked_up(redis_server: Server, tmp_path: Path) -> None:
    path = tmp_path / "later"
    service = redis(url=redis_server.url, password=SecretSource(file=path))
    poller = Poller("test", Environment(services={"redis": service}), None)
    missing = (await poller.once()).services[0]
    assert (missing.state, missing.word) == (
        HealthState.UNKNOWN,
        "no data",
    ) and "cannot read the secret" in missing.summary
    path.write_text(SECRET)
    path.chmod(0o600)
    assert (await poller.once()).services[0].state is HealthState.OK
    await poller.close()
    assert SecretStr(SECRET) not in vars(service).values()


async def test_a_rotated_password_is_picked_up(redis_server: Server, tmp_path: Path) -> None:
    path = tmp_path / "rotated"
    path.write_text("an older one")
    path.chmod(0o600)
    service = redis(url=redis_server.url, password=SecretSource(file=path))
    poller = Poller("test", Environment(services={"redis": service}), None)
    assert (await poller.once()).services[0].state is HealthState.DOWN
    path.write_text(SECRET)
    states = [(await poller.once()).services[0].state for _ in range(6)]
    assert states[-1] is HealthState.OK
    await poller.close()
