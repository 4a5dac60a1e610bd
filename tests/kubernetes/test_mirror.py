"""A live copy goes on where it was: from a bookmark without listing again, and by listing after 410."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from actions.clients.kubernetes_mirror import Mirror, Mirrors
from tests.kubernetes.bench import Bench
from tests.kubernetes.double import Answer, KubernetesDouble

PATH = "/apis/apps/v1/namespaces/vq/daemonsets"


async def until_watched(double: KubernetesDouble, times: int) -> list[str]:
    """The versions that the collection was watched from, once it was so often."""
    async with asyncio.timeout(15):
        while True:
            asked = [one for one in list(double.requests) if one.verb == "watch" and one.path == PATH and one.status]
            if len(asked) >= times:
                return [one.query["resourceVersion"] for one in asked]
            await asyncio.sleep(0.01)


def listed(double: KubernetesDouble) -> int:
    return sum(one.verb == "list" and one.path == PATH for one in list(double.requests))


async def test_a_quiet_watch_is_resumed_from_its_bookmark(
    stepped: KubernetesDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others write all the time: without bookmarks a quiet collection falls out of the kept history."""
    stepped.daemonset("agent", "agent:1")
    stepped.settle()
    seen: list[str] = []
    real = Mirror._apply

    def applied(self: Mirror, event: dict[str, Any]) -> str:
        seen.append(event["type"])
        return real(self, event)

    monkeypatch.setattr(Mirror, "_apply", applied)
    settings = Bench(stepped, tmp_path).settings()
    mirrors = Mirrors(settings.kubeconfig, settings.context)
    try:
        mirror = mirrors.of(PATH)
        assert [one["metadata"]["name"] for one in await mirror.objects()] == ["agent"]
        (first,) = await until_watched(stepped, 1)
        stepped.create({"kind": "ConfigMap", "metadata": {"name": "other"}})
        async with asyncio.timeout(15):
            while "BOOKMARK" not in seen:
                stepped.bookmark()
                await asyncio.sleep(0.01)
        stepped.compact()
        stepped.drop_connections()
        versions = await until_watched(stepped, 2)
        assert int(versions[-1]) > int(first)
        assert listed(stepped) == 1
        stepped.edit("DaemonSet", "agent", {"metadata": {"labels": {"seen": "yes"}}})
        async with asyncio.timeout(15):
            while "seen" not in (mirror.named("agent") or {})["metadata"].get("labels", {}):
                await asyncio.sleep(0.01)
    finally:
        await mirrors.close()


@pytest.mark.parametrize("again", [Answer(410), Answer(503), Answer(429, retry_after=0)])
async def test_a_watch_that_is_refused_is_opened_again(bench: Bench, double: KubernetesDouble, again: Answer) -> None:
    double.daemonset("agent", "agent:1")
    refused = double.inject(again, verb="watch", resource="daemonsets")
    settings = bench.settings()
    mirrors = Mirrors(settings.kubeconfig, settings.context)
    try:
        await mirrors.of(PATH).objects()
        await until_watched(double, 2)
        assert refused.hits == 1 and listed(double) == (2 if again.code == 410 else 1)
    finally:
        await mirrors.close()
