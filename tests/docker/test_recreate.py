"""One container brought back to an earlier image: what users get, what is kept, what is refused."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from actions.model.errors import Refused, Stale, VerifyFailed, VqError
from actions.model.platform import ANSWERED, InstanceState
from actions.model.services import HttpService
from actions.model.words import Gate, ProbeState
from actions.model.workloads import RouterTraffic, Slot
from actions.platforms.compose.driver import workload_reader
from tests.docker.conftest import RUN, Service, artefact
from tests.docker.images import REPOSITORY, make_version
from tests.docker.project import ask, until
from tests.ports import block_number

pytestmark = pytest.mark.machine("docker")
Make = Callable[..., Service]
Version = Callable[..., str]


async def answers(service: Service) -> str:
    return await asyncio.to_thread(ask, f"http://127.0.0.1:{service.port}/health")


async def test_brings_the_earlier_image_back_and_proves_it(
    service: Service, releases: dict[str, str], undo: Path
) -> None:
    old = service.run(releases["1.1.0"])
    change = await service.plan("1.0.0")
    assert (change.before, change.after, change.subject) == ("1.1.0", "1.0.0", service.name)
    acted = await service.act(change, undo)
    proof = await service.verify(change)
    assert await answers(service) == "1.0.0"
    assert service.inspect()["Image"] == releases["1.0.0"]
    assert service.all() == {service.name: "running", f"{service.name}_prev_ab12cd": "exited"}
    assert "answers 200 as 1.0.0" in proof.text and acted.data["replaced"] == old
    facts = await service.reader.observe()
    assert facts.desired == 1 and facts.current is not None and facts.current.version == "1.0.0"
    assert {one.version for one in facts.at_hand} >= {"1.0.0", "1.1.0"}
    assert [note.id for note in facts.notes] == ["leftovers"] and facts.notes[0].gate is Gate.PASS


async def test_way_back_serves_the_old_container_again(service: Service, releases: dict[str, str], undo: Path) -> None:
    old = service.run(releases["1.1.0"])
    change = await service.plan("1.0.0")
    await service.act(change, undo)
    await service.verify(change)
    evidence = await service.back(change, undo)
    now = service.inspect()
    assert now["Id"] == old and now["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert service.all() == {service.name: "running"} and await answers(service) == "1.1.0"
    assert "serves as before" in evidence.text
    assert "serves as before" in (await service.back(change, undo)).text  # safe to call again
    assert (await service.changer.probe(change, f"{RUN}.3", undo)).state is ProbeState.NOT_STARTED


async def test_way_back_makes_the_old_container_again_when_it_is_gone(
    service: Service, releases: dict[str, str], undo: Path
) -> None:
    old = service.run(releases["1.1.0"], Env=["EXTRA=kept"])
    change = await service.plan("1.0.0")
    await service.act(change, undo)
    await service.verify(change)
    service.engine.remove_container(old)
    await service.back(change, undo)
    now = service.inspect()
    assert now["Id"] != old and now["Image"] == releases["1.1.0"] and "EXTRA=kept" in now["Config"]["Env"]
    assert service.all() == {service.name: "running"} and await answers(service) == "1.1.0"


async def test_second_rollback_goes_on_from_the_first(service: Service, releases: dict[str, str], undo: Path) -> None:
    service.run(releases["1.1.0"], Env=["EXTRA=1"])
    first = await service.plan("1.0.0")
    await service.act(first, undo)
    await service.verify(first)
    second = await service.plan("1.1.0")
    later = f"{RUN[:-6]}000002.3"
    await service.act(second, undo, later)
    await service.verify(second, later)
    labels = service.inspect()["Config"]["Labels"]
    assert await answers(service) == "1.1.0" and labels["vq-tui.step"] == later
    assert "EXTRA=1" in service.inspect()["Config"]["Env"]
    assert (await service.reader.observe()).desired == 1


# Row 25: what stands around a container goes over; what its image brought does not.


async def test_carries_everything_over_but_the_image_s_own(
    make_service: Make, engine: Any, version: Version, base: str, undo: Path
) -> None:
    changes = ["VOLUME /data", "ENV OLD_ONLY=1", "LABEL from=old", "WORKDIR /a"]
    before = version("2.0.0", changes=changes, env={"SHARED": "old"})
    after = version(
        "2.1.0",
        changes=["VOLUME /data", "ENV NEW_ONLY=1", "LABEL from=new", "WORKDIR /b"],
        env={"SHARED": "new"},
    )
    service = make_service()
    networks = [f"{service.name}_{end}" for end in ("front", "back")]
    try:
        for number, network in enumerate(networks):
            pool = {"Config": [{"Subnet": f"10.{200 + block_number()}.{number + 1}.0/24"}]}
            made = engine.create_network(network, ipam=pool)
            assert made
        address = f"10.{200 + block_number()}.1.50"
        ends = {networks[0]: {"IPAMConfig": {"IPv4Address": address}, "Aliases": ["api", "shop"]}}
        service.run(
            after,
            Env=["EXPLICIT=kept", "SHARED=mine"],
            Volumes={"/data": {}, "/scratch": {}},
            host={
                "NetworkMode": networks[0],
                "Memory": 64 << 20,
                "ExtraHosts": ["db:10.0.0.9"],
                "CapAdd": ["NET_ADMIN"],
            },
            NetworkingConfig={"EndpointsConfig": ends},
        )
        engine.connect_container_to_network(service.name, networks[1], aliases=["inner"])
        old = service.inspect()
        change = await service.plan("2.0.0")
        await service.act(change, undo)
        await service.verify(change)
        new = service.inspect()
        compare(old, new, networks, address)
        assert before == new["Image"]
    finally:
        for one in engine.containers(all=True, filters={"label": f"vq-tui-test.project={service.name}"}):
            engine.remove_container(one["Id"], force=True, v=True)
        for network in networks:
            engine.remove_network(network)


def compare(old: dict[str, Any], new: dict[str, Any], networks: list[str], address: str) -> None:
    environment = set(new["Config"]["Env"])
    assert {"EXPLICIT=kept", "SHARED=mine", "OLD_ONLY=1", "VERSION=2.0.0"} <= environment
    assert not {"NEW_ONLY=1", "VERSION=2.1.0", "SHARED=new"} & environment
    assert new["Config"]["Labels"]["from"] == "old" and new["Config"]["WorkingDir"] == "/a"
    assert new["Config"]["Hostname"] == new["Id"][:12] != old["Config"]["Hostname"]
    volumes = [{mount["Destination"]: mount["Name"] for mount in body["Mounts"]} for body in (old, new)]
    assert volumes[0] == volumes[1] and set(volumes[0]) == {"/data", "/scratch"}
    ends = new["NetworkSettings"]["Networks"]
    assert set(ends) == set(networks) and ends[networks[0]]["IPAddress"] == address
    assert {"api", "shop", new["Id"][:12]} == set(ends[networks[0]]["Aliases"])
    assert {"inner", new["Id"][:12]} == set(ends[networks[1]]["Aliases"])
    hosts = [dict(body["HostConfig"]) for body in (old, new)]
    added = set(hosts[1].pop("Binds") or []) - set(hosts[0].pop("Binds") or [])
    assert added == {f"{name}:{place}" for place, name in volumes[0].items()}
    assert hosts[0] == hosts[1]


async def test_published_port_of_free_choice_keeps_its_number(
    make_service: Make, releases: dict[str, str], undo: Path
) -> None:
    service = make_service()
    service.run(releases["1.1.0"], host={"PortBindings": {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}})
    port = service.inspect()["NetworkSettings"]["Ports"]["8080/tcp"][0]["HostPort"]
    change = await service.plan("1.0.0")
    await service.act(change, undo)
    await service.verify(change)
    assert service.inspect()["NetworkSettings"]["Ports"]["8080/tcp"][0]["HostPort"] == port
    assert await asyncio.to_thread(ask, f"http://127.0.0.1:{port}/health") == "1.0.0"


# Rows 19, 20: the image is not there, or its name means another one now.


async def test_missing_image_is_refused_before_anything_stops(
    service: Service, engine: Any, releases: dict[str, str]
) -> None:
    gone = make_version(engine, "0.9.0")
    service.run(releases["1.1.0"])
    facts = await service.reader.observe()
    target = next(one for one in facts.at_hand if one.version == "0.9.0")
    change = await service.plan("0.9.0")
    engine.remove_image(gone, force=True)
    assert (await service.reader.at_hand(target)).gate is Gate.FAIL
    with pytest.raises(Refused, match="is not on this engine"):
        await service.reader.plan_change(facts, target)
    with pytest.raises(Refused, match="is gone from the engine"):
        await service.changer.check(change)
    assert service.all() == {service.name: "running"}


async def test_moved_tag_is_refused(service: Service, engine: Any, releases: dict[str, str]) -> None:
    planned = make_version(engine, "0.8.0")
    service.run(releases["1.1.0"])
    change = await service.plan("0.8.0")
    another = make_version(engine, "0.8.0", env={"REBUILT": "1"})
    with pytest.raises(Stale, match="another image now"):
        await service.changer.check(change)
    engine.remove_image(planned)
    remembered = artefact("0.8.0", planned, f"{REPOSITORY}:0.8.0")
    with pytest.raises(Refused, match=rf"another image now \({another[7:19]}\)"):
        await service.reader.plan_change(await service.reader.observe(), remembered)
    assert service.all() == {service.name: "running"}


# Rows 22, 23: what does not come up is found out, and why is kept.


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("exit", "code 3|was restarted"),
        ("loop", "(code 4 and )?was restarted"),
        ("sick", "503"),
        ("admits", "answers 200, but says 'down'"),
        ("flap", "503"),
        ("liar", "answers as 0.0.0-liar"),
        ("deaf", "was not proved within 1 s"),
    ],
)
async def test_bad_release_is_found_out_and_taken_back(
    mode: str, why: str, make_service: Make, version: Version, releases: dict[str, str], undo: Path
) -> None:
    version(f"1.2.0-{mode}", mode=mode)
    ends = mode in ("exit", "loop")  # that is found out at once, the others by patience running out
    answers_badly = mode in ("sick", "admits", "flap", "liar")
    service = make_service(prove_seconds=20 if ends else 4 if answers_badly else 1)
    old = service.run(releases["1.1.0"])
    change = await service.plan(f"1.2.0-{mode}")
    await service.act(change, undo)
    new = service.inspect()["Id"]
    if answers_badly:
        await asyncio.to_thread(until, service.port_answers)
    with pytest.raises(VerifyFailed, match=why):
        await service.verify(change)
    await service.back(change, undo)
    assert service.inspect()["Id"] == old and await answers(service) == "1.1.0"
    assert service.all() == {service.name: "running"}
    assert f"starting 1.2.0-{mode}" in (undo / f"log-{new[:12]}.txt").read_text()


async def test_a_release_is_held_to_the_word_it_is_known_by(
    service: Service, version: Version, releases: dict[str, str], undo: Path
) -> None:
    version("2.9.0-own", env={"VERSION": "2.9.0"})
    service.run(releases["1.1.0"])  # which names itself as its image is named
    facts = await service.reader.observe()
    target = next(one for one in facts.at_hand if one.version == "2.9.0-own")
    known = target.model_copy(update={"detail": target.detail | {ANSWERED: "2.9.0"}})
    (change,) = await service.reader.plan_change(facts, known)
    await service.act(change, undo)
    assert "as 2.9.0," in (await service.verify(change)).text
    stranger = change.model_copy(update={"params": change.params | {"word": "2.9.1"}})
    with pytest.raises(VerifyFailed, match=r"answers as 2\.9\.0 instead of 2\.9\.1"):
        await service.verify(stranger, seconds=0.5)


async def test_a_standby_that_holds_the_release_needs_no_change(service: Service, releases: dict[str, str]) -> None:
    service.run(releases["1.0.0"])
    facts = await service.reader.observe()
    assert facts.current is not None
    with pytest.raises(Refused, match="runs 1.0.0 already"):
        await service.reader.plan_change(facts, facts.current)
    one = Slot(workload=service.settings, url=service.place.url)
    api = HttpService(
        url=str(service.place.url), slots={"main": one, "other": one}, traffic=RouterTraffic(admin="http://127.0.0.1:9")
    )
    place = replace(service.place, settings=service.place.settings.model_copy(update={"services": {"api": api}}))
    standby = workload_reader(service.settings, place)
    assert await standby.plan_change(await standby.observe(), facts.current) == ()
    await standby.close()


async def test_crash_after_the_first_good_answers_is_not_proved(
    service: Service, version: Version, releases: dict[str, str], undo: Path
) -> None:
    service.run(releases["1.1.0"])
    change = await service.plan("1.0.0")
    await service.act(change, undo)
    await asyncio.to_thread(until, service.port_answers)
    with pytest.raises(OSError):
        await asyncio.to_thread(ask, f"http://127.0.0.1:{service.port}/boom")
    with pytest.raises(VerifyFailed, match="was restarted"):
        await service.verify(change)


async def test_without_any_probe_nothing_is_called_healthy(make_service: Make, releases: dict[str, str]) -> None:
    service = make_service(http=False)
    service.run(releases["1.1.0"])
    with pytest.raises(Refused, match="nobody could prove it"):
        await service.plan("1.0.0")
    assert service.all() == {service.name: "running"}


async def test_healthcheck_of_the_container_is_proof_enough_and_unhealthy_is_believed(
    make_service: Make, releases: dict[str, str], undo: Path
) -> None:
    service = make_service(http=False)
    second = 1_000_000_000
    code = "import socket; socket.create_connection(('127.0.0.1', 8080), 1)"
    check = {"Test": ["CMD", "/python", "-I", "-S", "-c", code], "Interval": second // 5, "Timeout": second}
    service.run(releases["1.1.0"], Healthcheck=check)
    change = await service.plan("1.0.0")
    await service.act(change, undo)
    assert "healthcheck says healthy" in (await service.verify(change)).text
    other = make_service(http=False)
    bad = {**check, "Test": ["CMD", "/nothing"], "Retries": 1}
    other.run(releases["1.1.0"], Healthcheck=bad)
    change = await other.plan("1.0.0")
    await other.act(change, undo, f"{RUN}.4")
    with pytest.raises(VerifyFailed, match="unhealthy"):
        await other.verify(change, f"{RUN}.4")


# Row 24: somebody else was quicker.


async def test_replaced_container_makes_the_plan_stale(service: Service, engine: Any, releases: dict[str, str]) -> None:
    old = service.run(releases["1.1.0"])
    change = await service.plan("1.0.0")
    facts = await service.reader.observe()
    engine.restart(old, timeout=5)
    with pytest.raises(Stale, match="started again"):
        await service.changer.check(change)
    engine.remove_container(old, force=True)
    with pytest.raises(Stale, match="is gone"):
        await service.changer.check(change)
    service.run(releases["1.1.0"])
    with pytest.raises(Stale, match="is gone"):
        await service.changer.check(change)
    with pytest.raises(Stale, match=service.name):
        await service.reader.plan_change(facts, facts.at_hand[0])


async def test_container_removed_between_protect_and_act(
    service: Service, engine: Any, releases: dict[str, str], undo: Path
) -> None:
    old = service.run(releases["1.1.0"])
    change = await service.plan("1.0.0")
    await service.changer.protect(change, f"{RUN}.3", undo)
    engine.remove_container(old, force=True)
    with pytest.raises(Stale, match="is gone"):
        await service.changer.act(change, f"{RUN}.3", undo, service.said.append)
    with pytest.raises(VerifyFailed, match="removed or replaced by somebody else"):
        await service.back(change, undo)
    assert service.all() == {}
    assert "docker ps -a" in (steps := (await service.changer.manual(change, undo)))[0] and not any(
        " rm " in s for s in steps
    )
    again = service.run(releases["1.1.0"])  # under the same name, by the same somebody
    with pytest.raises(VerifyFailed, match="removed or replaced by somebody else"):
        await service.back(change, undo)
    assert service.all() == {service.name: "running"} and service.inspect()["Id"] == again


async def test_a_name_that_somebody_took_is_left_to_them(
    service: Service, engine: Any, releases: dict[str, str], undo: Path
) -> None:
    old = service.run(releases["1.1.0"])
    change = await service.plan("1.0.0")
    await service.act(change, undo)
    engine.remove_container(old)
    engine.rename(service.name, f"{service.name}-aside")
    taken = service.run(releases["1.1.0"], host={"PortBindings": {}}, wait=False)
    with pytest.raises(VerifyFailed, match="somebody else's container now"):
        await service.back(change, undo)
    assert service.inspect()["Id"] == taken and service.inspect()["State"]["Running"]


# Rows 21, 26: trouble on the way and on the way back.


async def test_port_taken_by_somebody_else(service: Service, releases: dict[str, str], undo: Path) -> None:
    old = service.run(releases["1.1.0"])
    change = await service.plan("1.0.0")
    await service.changer.protect(change, f"{RUN}.3", undo)
    service.engine.stop(old, timeout=5)
    taken = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", service.port)
    with pytest.raises(VqError, match="address already in use|already allocated"):
        await service.changer.act(change, f"{RUN}.3", undo, service.said.append)
    way_back = asyncio.create_task(service.back(change, undo))
    await asyncio.to_thread(until, lambda: way_back.done() or any("waits" in line for line in service.said))
    assert not way_back.done()
    taken.close()
    await taken.wait_closed()
    await way_back
    assert service.inspect()["Id"] == old and service.inspect()["State"]["Running"]
    assert service.all() == {service.name: "running"} and await answers(service) == "1.1.0"


async def test_failing_way_back_says_so_and_how_to_do_it_by_hand(
    service: Service, releases: dict[str, str], undo: Path
) -> None:
    folder = undo / "mounted"
    folder.mkdir()
    old = service.run(releases["1.1.0"], host={"Mounts": [{"Type": "bind", "Source": str(folder), "Target": "/m"}]})
    change = await service.plan("1.0.0")
    await service.act(change, undo)
    await service.verify(change)
    folder.rmdir()  # the old container cannot start without it
    with pytest.raises(VqError, match="bind source path does not exist"):
        await service.back(change, undo)
    steps = await service.changer.manual(change, undo)
    folder.mkdir()
    for step in steps:
        await asyncio.to_thread(shell, step)
    await asyncio.to_thread(until, service.port_answers)
    assert service.inspect()["Id"] == old and await answers(service) == "1.1.0"
    assert service.inspect()["HostConfig"]["RestartPolicy"]["Name"] == "always"


def shell(line: str) -> None:
    import subprocess

    subprocess.run(line, shell=True, check=False, capture_output=True, timeout=30)


# Which states are seen, and what may not be touched.


async def test_crashed_release_can_be_left(
    service: Service, version: Version, releases: dict[str, str], undo: Path
) -> None:
    version("1.3.0-exit", mode="exit")
    service.run(version("1.3.0-exit"), host={"RestartPolicy": {"Name": "no"}}, wait=False)
    await asyncio.to_thread(until, lambda: not service.inspect()["State"]["Running"])
    facts = await service.reader.observe()
    assert facts.instances[0].state is InstanceState.STOPPED and "code 3" in facts.instances[0].message
    change = await service.plan("1.0.0")
    await service.act(change, undo)
    await service.verify(change)
    assert await answers(service) == "1.0.0"
    with pytest.raises(VerifyFailed, match="did not serve, going back would be worse"):
        await service.back(change, undo)
    assert await answers(service) == "1.0.0" and service.inspect()["State"]["Running"]
    service.engine.stop(service.name, timeout=1)  # what came serves no more either: as before is no worse
    evidence = await service.back(change, undo)
    assert "exited as before" in evidence.text and service.all() == {service.name: "exited"}


async def test_refuses_what_has_no_way_back(make_service: Make, engine: Any, releases: dict[str, str]) -> None:
    fleeting = make_service()
    fleeting.run(releases["1.1.0"], host={"AutoRemove": True, "RestartPolicy": {"Name": "no"}})
    with pytest.raises(Refused, match="removes itself"):
        await fleeting.plan("1.0.0")
    shared = make_service()
    old = shared.run(releases["1.1.0"])
    rider = engine.create_container_from_config(
        {
            "Image": releases["1.0.0"],
            "Labels": {"vq-tui-test.project": shared.name},
            "Env": ["PORT=8081"],
            "HostConfig": {"NetworkMode": f"container:{old}"},
        },
        f"{shared.name}-rider",
    )["Id"]
    engine.start(rider)
    with pytest.raises(Refused, match="shares the network"):
        await shared.plan("1.0.0")
    engine.pause(old)
    with pytest.raises(Refused, match="paused"):
        await shared.plan("1.0.0")
    engine.unpause(old)


# Text and secrets.


async def test_hostile_text_and_secrets_stay_where_they_are(
    service: Service, releases: dict[str, str], undo: Path
) -> None:
    hostile = "x\x1b]0;owned\x07\u202e[@click=app.quit()]"
    identifier = service.run(
        releases["1.1.0"],
        Env=["CANARY=canary-secret-77"],
        Labels={"vq-tui-test.project": service.name, "note": hostile, hostile: "y"},
    )
    change = await service.plan("1.0.0")
    evidence = [
        await service.changer.check(change),
        await service.changer.protect(change, f"{RUN}.3", undo),
        await service.changer.act(change, f"{RUN}.3", undo, service.said.append),
        await service.verify(change),
    ]
    facts = await service.reader.observe()
    lines = await service.reader.log_tail(identifier, 50)
    said = json.dumps(
        [
            change.model_dump(mode="json"),
            [one.model_dump(mode="json") for one in evidence],
            facts.model_dump(mode="json"),
        ]
    ) + "".join(service.said)
    assert "canary-secret-77" not in said
    assert any("starting 1.1.0" in line for line in lines)
    for text in (said, *lines):
        assert not any(ord(one) < 32 or one in "\x7f\x9b\u202e" for one in text), text
    assert service.inspect()["Config"]["Labels"]["note"] == hostile  # carried over as it is
    kept = list(undo.glob("container-*.json"))
    assert len(kept) == 1 and "canary-secret-77" in kept[0].read_text() and kept[0].stat().st_mode & 0o777 == 0o600
