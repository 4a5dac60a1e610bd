"""Until a rollout is complete the template asked for is not what answers, and the driver says so."""

import asyncio

import pytest

from actions.model.platform import WorkloadFacts
from tests.kubernetes.bench import Bench
from tests.kubernetes.double import KubernetesDouble

IMAGE = "registry.local/virtualqueue-api"


async def seen(bench: Bench, version: str) -> WorkloadFacts:
    """The facts as soon as the template of that version is asked for and the controller has seen it."""
    reader = bench.reader(bench.settings())
    async with asyncio.timeout(20):
        while True:
            facts = await reader.observe()
            if facts.current and facts.current.version == version and "not seen" not in facts.rolling:
                return facts
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("released")
async def test_what_is_rolled_out_wholly_is_not_rolling(bench: Bench) -> None:
    assert (await seen(bench, "1.4.2")).rolling == ""


async def test_a_release_that_never_turns_ready_is_named_as_rolling(released: KubernetesDouble, bench: Bench) -> None:
    released.release("api", f"{IMAGE}:1.4.3-bad")
    facts = await seen(bench, "1.4.3-bad")
    assert "updated" in facts.rolling or "ProgressDeadlineExceeded" in facts.rolling
    assert facts.ready_count >= 2, "the old pods go on serving, which is why health says nothing about the template"


async def test_a_pause_after_a_complete_rollout_is_no_rollout(released: KubernetesDouble, bench: Bench) -> None:
    released.edit("Deployment", "api", [{"op": "add", "path": "/spec/paused", "value": True}])
    assert (await seen(bench, "1.4.2")).rolling == ""
