"""The driver of supervised processes against the real supervisor of an embedded stack."""

import json

import pytest

from actions.clients.supervisor import SupervisorWriter
from actions.model.errors import Refused, Stale, UnknownNameError, Unreachable, VerifyFailed
from actions.model.platform import Artefact
from actions.model.waiting import Deadline
from actions.model.words import Gate, ProbeState
from actions.platforms.access import Access
from actions.sandbox.release_files import write_release


def quiet(_: str) -> None:
    return None


def known(facts, version) -> Artefact:
    return next(one for one in facts.at_hand if one.version == version)


@pytest.fixture
async def green(access):
    return await access.workload("api", "green").observe()


@pytest.fixture
async def change(access, green):
    (planned,) = await access.workload("api", "green").plan_change(green, known(green, "2.3.9"))
    return planned


async def test_what_stands_there_and_what_is_at_hand(access, green):
    assert green.current.version == "2.4.0" and green.ready_count == 1
    assert (green.current.minimum_schema, green.current.maximum_schema) == (40, 42)
    assert {"2.3.9", "2.4.1"} <= {one.version for one in green.at_hand}
    assert "2.4.0" not in {one.version for one in green.at_hand}
    (instance,) = green.instances
    assert instance.memory_bytes > 0 and instance.started_at is not None and instance.restarts == 0
    again = await access.workload("api", "green").observe()
    assert again.pins == green.pins
    assert await access.workload("api", "green").log_tail(instance.id, 5) is not None


async def test_a_change_runs_answers_and_is_undone(access, change, folder):
    changer = access.workload_changer("api", "green")
    await changer.check(change)
    await changer.protect(change, "L.3", folder)
    assert (await changer.probe(change, "L.3", folder)).state is ProbeState.NOT_STARTED
    await changer.act(change, "L.3", folder, quiet)
    assert "runs 2.3.9 and answers" in (await changer.verify(change, "L.3", Deadline(20), quiet)).text
    assert (await changer.probe(change, "L.3", folder)).state is ProbeState.DONE
    with pytest.raises(Stale):
        await changer.check(change)
    for _ in range(2):
        assert "runs 2.4.0 again" in (await changer.undo(change, "L.3", folder, Deadline(20), quiet)).text
    assert (await access.workload("api", "green").observe()).current.version == "2.4.0"


async def test_acting_twice_under_one_key_changes_once(access, sandbox, change, folder):
    changer = access.workload_changer("api", "green")
    await changer.act(change, "L.4", folder, quiet)
    supervisor = SupervisorWriter(sandbox.directory)
    before = await supervisor.record("api-green")
    await changer.act(change, "L.4", folder, quiet)
    assert await supervisor.record("api-green") == before


async def test_a_release_that_ends_at_once_is_found_and_taken_back(access, sandbox, folder):
    write_release(sandbox.releases, "2.4.5")
    reader, changer = access.workload("api", "green"), access.workload_changer("api", "green")
    facts = await reader.observe()
    (change,) = await reader.plan_change(facts, known(facts, "2.4.5"))
    await changer.protect(change, "L.5", folder)
    await changer.act(change, "L.5", folder, quiet)
    supervisor = SupervisorWriter(sandbox.directory)
    deadline = Deadline(30)
    with pytest.raises(VerifyFailed, match="ends again and again"):
        while not deadline.passed:
            await changer.verify(change, "L.5", Deadline(5), quiet)
    assert "runs 2.4.0 again" in (await changer.undo(change, "L.5", folder, Deadline(20), quiet)).text
    assert (await supervisor.process("api-green")).artefact == facts.current.reference


async def test_a_damaged_or_missing_release_is_not_at_hand_and_not_planned(access, sandbox, green):
    reader, wanted = access.workload("api", "green"), known(green, "2.3.8")
    place = sandbox.releases / "2.3.8" / "behaviour.json"
    content = place.read_bytes()
    try:
        place.write_bytes(content + b" ")
        damaged = await reader.at_hand(wanted)
        assert damaged.gate is Gate.FAIL and "does not match" in damaged.evidence
        with pytest.raises(Refused, match="does not match"):
            await reader.plan_change(green, wanted)
        place.unlink()
        assert "is missing" in (await reader.at_hand(wanted)).evidence
    finally:
        place.write_bytes(content)
    assert (await reader.at_hand(wanted)).gate is Gate.PASS


async def test_another_artefact_under_the_same_version_is_refused(access, green):
    moved = known(green, "2.3.9").model_copy(update={"reference": "sha256:" + "0" * 64})
    check = await access.workload("api", "green").at_hand(moved)
    assert check.gate is Gate.FAIL and "another artefact than planned" in check.evidence


async def test_somebody_elses_change_is_left_alone(access, sandbox, change, folder):
    changer = access.workload_changer("api", "green")
    await changer.protect(change, "L.6", folder)
    await changer.act(change, "L.6", folder, quiet)
    await SupervisorWriter(sandbox.directory).restart("api-green", key=f"else-{id(change)}")
    with pytest.raises(VerifyFailed, match="left alone"):
        await changer.undo(change, "L.6", folder, Deadline(5), quiet)
    assert json.loads((folder / "local-L.6.json").read_text())["record"]["spec"]["release"] == "2.4.0"
    assert any("local-L.6.json" in line for line in (await changer.manual(change, folder)))


async def test_no_supervisor_and_no_such_process_are_told_apart(settings, tmp_path):
    def pointed(**update):
        slots = {
            name: slot.model_copy(update={"workload": slot.workload.model_copy(update=update)})
            for name, slot in settings.services["api"].slots.items()
        }
        service = settings.services["api"].model_copy(update={"slots": slots})
        return Access("sandbox", settings.model_copy(update={"services": {"api": service}}))

    with pytest.raises(Unreachable):
        await pointed(directory=tmp_path).workload("api", "green").observe()
    with pytest.raises(UnknownNameError, match="supervised: api-blue, api-green"):
        await pointed(service="nothing").workload("api", "green").observe()
