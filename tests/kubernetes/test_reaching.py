"""Wrong addresses, missing rights, and an API that goes away and comes back."""

import asyncio
import contextlib
import re
from pathlib import Path
from typing import Any

import pytest

from actions.clients.kubernetes_api import KubernetesReader
from actions.clients.kubernetes_errors import NotThere
from actions.clients.kubernetes_mirror import LONGEST_REOPENING, Mirror, Mirrors
from actions.model.errors import ConfigError, Refused, Slow, Unreachable
from actions.platforms.kubernetes.driver import KubernetesWorkloadReader
from tests.faults.proxy import FaultProxy
from tests.kubernetes.bench import Bench, at_hand
from tests.kubernetes.double import Delay, KubernetesDouble, Rule


@pytest.mark.parametrize(("wrong", "error"), [
    ({"context": "nowhere"}, ConfigError),
    ({"kubeconfig": Path("/nonexistent/config")}, ConfigError),
    ({"name": "no-such"}, NotThere),
    ({"kubeconfig": None, "context": None}, ConfigError),
])  # fmt: skip
async def test_a_wrong_address_is_one_clear_error(
    bench: Bench, released: KubernetesDouble, wrong: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        await bench.reader(bench.settings(**wrong)).observe()
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


@pytest.mark.parametrize("resource", ["deployments", "pods"])
async def test_an_api_that_is_late_is_slow_and_one_that_refuses_is_gone(
    bench: Bench, released: KubernetesDouble, monkeypatch: pytest.MonkeyPatch, resource: str
) -> None:
    """Who is slow may be planned with as it was seen before; who is gone may not."""
    monkeypatch.setattr("actions.platforms.kubernetes.driver.OBSERVE_SECONDS", 0.5)
    released.inject(Delay(30), verb="list", resource=resource)
    with pytest.raises(Slow):
        await bench.reader(bench.settings()).observe()
    released.down()
    monkeypatch.undo()
    with pytest.raises(Unreachable) as gone:
        await bench.reader(bench.settings(user="viewer")).observe()
    assert not isinstance(gone.value, Slow)


async def test_one_late_answer_is_slow_whatever_was_asked(released: KubernetesDouble, tmp_path: Path) -> None:
    client = KubernetesReader(released.kubeconfig(tmp_path / "config.yaml"), "double")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("actions.clients.kubernetes_api.CALL_SECONDS", 0.3)
        for verb, resource in (("get", "deployments"), ("watch", "pods")):
            released.inject(Delay(30), verb=verb, resource=resource)
        with pytest.raises(Slow):
            await client.get("/apis/apps/v1/namespaces/vq/deployments/api")
        with pytest.raises(Slow):
            async for _ in client.watch("/api/v1/namespaces/vq/pods", "1"):
                pass
    await client.close()


async def test_an_expired_token_is_named(bench: Bench, released: KubernetesDouble) -> None:
    released.access.expire("admin")
    with pytest.raises(Unreachable, match="401.*token may have expired"):
        await bench.reader(bench.settings()).observe()


async def test_a_namespace_without_rights_is_named(bench: Bench, released: KubernetesDouble) -> None:
    released.allow("guest", Rule(verbs=("get", "list", "watch"), namespaces=("elsewhere",)))
    with pytest.raises(Refused, match="deployments"):
        await bench.reader(bench.settings(user="guest")).observe()


async def test_metrics_that_hang_do_not_make_the_workload_unobservable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The metrics API is a service of its own: the way back must be plannable while it is ill."""
    monkeypatch.setattr("actions.platforms.kubernetes.driver.OBSERVE_SECONDS", 4.0)
    with KubernetesDouble(metrics=True) as double:
        double.deployment("api", "api:1.4.1")
        double.rolled_out("api")
        double.release("api", "api:1.4.2")
        double.rolled_out("api")
        hanging = double.inject(Delay(5), verb="list", resource="pods", after=1, times=None)
        bench = Bench(double, tmp_path)
        facts, changes, _ = await bench.planned(bench.settings(), "1.4.1")
        for one in bench.opened:
            await one.close()
    assert hanging.hits == 1 and len(changes) == 1
    assert facts.ready_count == 2 and all(one.memory_bytes is None for one in facts.instances)


@pytest.mark.parametrize("verbs", [("list",), ("watch",), ("list", "watch")])
async def test_autoscalers_that_cannot_be_watched_do_not_make_the_workload_unobservable(
    bench: Bench, released: KubernetesDouble, quick: None, verbs: tuple[str, ...]
) -> None:
    released.autoscaler("api")
    released.deny("admin", Rule(verbs=verbs, resources=("horizontalpodautoscalers",)))
    reader = bench.reader(bench.settings())

    async def said() -> str:
        return next((note.evidence for note in (await reader.observe()).notes if note.id == "autoscaler"), "")

    async with asyncio.timeout(15):
        while "not known" not in await said():
            await asyncio.sleep(0.01)
    assert len(await reader.plan_change(facts := await reader.observe(), at_hand(facts, "1.4.1"))) == 1


async def test_the_log_is_that_of_the_container_that_counts(bench: Bench, double: KubernetesDouble) -> None:
    containers = [{"name": "web", "image": "web:1"}, {"name": "auth", "image": "auth:1"}]
    double.deployment("api", "", template={"metadata": {"labels": {"app": "api"}}, "spec": {"containers": containers}})
    double.rolled_out("api")
    reader = bench.reader(bench.settings())
    (first, *_) = (await reader.observe()).instances
    assert await reader.log_tail(first.id, 10)
    (asked,) = [one for one in double.requests if one.resource == "pods/log"]
    assert asked.query["container"] == "web"


async def told(reader: KubernetesWorkloadReader) -> str:
    """What a lost API is said to be, once it is; until then the last facts count."""
    async with asyncio.timeout(15):
        while True:
            try:
                await reader.observe()
            except Unreachable as error:
                return error.message
            await asyncio.sleep(0.02)


def seconds_of(message: str) -> int:
    found = re.search(r"\(for (\d+) s\)$", message)
    assert found, message
    return int(found[1])


async def test_a_lost_api_is_said_with_since_when(bench: Bench, released: KubernetesDouble, quick: None) -> None:
    reader = bench.reader(bench.settings())
    await reader.observe()
    released.down()
    first = await told(reader)
    assert "context 'double'" in first and "check network or VPN" in first
    async with asyncio.timeout(15):
        while seconds_of(await told(reader)) < seconds_of(first) + 2:
            await asyncio.sleep(0.05)
    released.up()
    async with asyncio.timeout(15):
        while True:
            with contextlib.suppress(Unreachable):
                if (await reader.observe()).current is not None:
                    break
            await asyncio.sleep(0.02)


async def test_a_path_that_swallows_everything_is_not_taken_for_a_quiet_cluster(
    bench: Bench, released: KubernetesDouble, quick: None
) -> None:
    """A VPN that is gone resets nothing: watches stay open and silent, and only the pulse notices."""
    host, port = released.url.removeprefix("http://").split(":")
    async with FaultProxy((host, int(port))) as proxy:
        config = released.kubeconfig(bench.directory / "proxied.yaml")
        config.write_text(config.read_text().replace(released.url, proxy.url))
        reader = bench.reader(bench.settings(kubeconfig=config))
        assert (await reader.observe()).current is not None
        proxy.down.blackhole = proxy.up.blackhole = True
        assert "does not answer" in await told(reader)
        proxy.down.clear()
        proxy.up.clear()
        proxy.drop()
        async with asyncio.timeout(15):
            while True:
                with contextlib.suppress(Unreachable):
                    await reader.observe()
                    break
                await asyncio.sleep(0.02)
        await reader.close()


async def test_a_new_login_is_used_without_a_restart(bench: Bench, released: KubernetesDouble, quick: None) -> None:
    settings = bench.settings()
    reader = bench.reader(settings)
    await reader.observe()
    released.access.expire("admin")
    released.drop_connections()
    assert "401" in await told(reader)
    config = released.kubeconfig(bench.directory / "second.yaml", "viewer")
    assert settings.kubeconfig is not None
    config.replace(settings.kubeconfig)
    async with asyncio.timeout(15):
        while True:
            with contextlib.suppress(Unreachable):
                await reader.observe()
                break
            await asyncio.sleep(0.02)


async def test_fifty_namespaces_are_watched_at_once(released: KubernetesDouble, tmp_path: Path) -> None:
    """Each watch holds a connection; none may wait for another one to end."""
    config = released.kubeconfig(tmp_path / "many.yaml")
    client = KubernetesReader(config, "double")
    mirrors = Mirrors(config, "double")
    try:
        paths = [f"/api/v1/namespaces/team-{number}/pods" for number in range(50)]
        async with asyncio.timeout(20):
            await asyncio.gather(*(mirrors.of(path).objects() for path in paths))
            assert (await client.get("/api/v1/namespaces/vq/pods"))["items"]
            assert await mirrors.client.may("get", "", "pods", "vq")
    finally:
        await mirrors.close()
        await client.close()


async def test_a_lost_api_keeps_the_reader_alive_and_it_comes_back(bench: Bench, released: KubernetesDouble) -> None:
    reader = bench.reader(bench.settings())
    await reader.observe()
    released.down()
    released.up()
    async with asyncio.timeout(15):
        while True:
            with contextlib.suppress(Unreachable):
                if (await reader.observe()).current is not None:
                    break


async def test_32_watches_survive_410_and_lost_connections(bench: Bench, released: KubernetesDouble) -> None:
    reader = bench.reader(bench.settings())
    await reader.observe()
    released.compact()
    released.drop_connections()
    released.release("api", "registry.local/virtualqueue-api:1.4.3")

    async def seen() -> str:
        with contextlib.suppress(Unreachable):
            current = (await reader.observe()).current
            return current.version if current else ""
        return ""

    async with asyncio.timeout(15):
        while await seen() != "1.4.3":
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("half", ["", "clusters: [", "clusters:\n- cluster: {server: 'http", "just words"])
async def test_a_kubeconfig_caught_half_written_is_read_again(
    bench: Bench, released: KubernetesDouble, quick: None, half: str
) -> None:
    """A login rewrites it while the console runs: the watches must outlive that."""
    settings = bench.settings()
    reader = bench.reader(settings)
    assert settings.kubeconfig is not None
    whole = settings.kubeconfig.read_text()
    await reader.observe()
    settings.kubeconfig.write_text(half)
    released.access.expire("admin")
    assert "kubeconfig" in await told(reader)
    settings.kubeconfig.write_text(whole)
    released.access.renew("admin")
    released.release("api", "registry.local/virtualqueue-api:1.4.3")
    async with asyncio.timeout(15):
        while True:
            with contextlib.suppress(Unreachable):
                current = (await reader.observe()).current
                if current is not None and current.version == "1.4.3":
                    break
            await asyncio.sleep(0.01)


async def test_an_answer_that_nobody_foresaw_does_not_end_the_watch(
    bench: Bench, released: KubernetesDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = bench.reader(bench.settings())
    await reader.observe()
    real, failed = Mirror._apply, []

    def once(self: Mirror, event: dict[str, Any]) -> str:
        if not failed:
            failed.append(event)
            raise KeyError("metadata")
        return real(self, event)

    monkeypatch.setattr(Mirror, "_apply", once)
    released.release("api", "registry.local/virtualqueue-api:1.4.3")
    async with asyncio.timeout(15):
        while (current := (await reader.observe()).current) is None or current.version != "1.4.3":
            await asyncio.sleep(0.01)
    assert failed


async def test_a_watch_that_ends_at_once_is_not_opened_without_a_pause(
    bench: Bench, released: KubernetesDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy before the API that cuts watches off must not be asked a thousand times a second."""
    opened: list[str] = []

    async def empty(self: KubernetesReader, path: str, version: str, *_: object, **more: Any) -> Any:
        opened.append(path)
        more["opened"]()
        return
        yield

    monkeypatch.setattr(KubernetesReader, "watch", empty)
    slept: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        task = asyncio.current_task()
        mirrors = task is not None and task.get_name().startswith("mirror")
        slept.extend([seconds] if mirrors else [])
        await real(0 if mirrors else seconds)

    reader = bench.reader(bench.settings())
    monkeypatch.setattr(asyncio, "sleep", sleep)
    await reader.observe()
    async with asyncio.timeout(10):
        while len(opened) < 30:
            await real(0)
    monkeypatch.undo()
    assert len(slept) >= len(opened) - 3 and max(slept) == LONGEST_REOPENING
