"""What needs no engine: bodies, names of images, files of a project, recognising containers."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.model.words import ProbeState
from actions.platforms.compose import artefacts, labels
from actions.platforms.compose.address import port_of
from actions.platforms.compose.body import loosened, own_config, recreation
from actions.platforms.compose.compose_files import format_version, pin_place, project_files
from actions.platforms.compose.observe import when
from actions.platforms.compose.params import Recreate
from actions.platforms.compose.pin_file import Entry, entries_of, pin_text, without
from actions.platforms.compose.sight import Sight, judge

Body = dict[str, Any]


def container(config: Body | None = None, **host: Any) -> Body:
    return {
        "Id": "a" * 64,
        "Name": "/api",
        "Image": "sha256:" + "1" * 64,
        "Config": {"Env": [], "Labels": {}, "Hostname": "a" * 12, **(config or {})},
        "HostConfig": {"NetworkMode": "default", **host},
        "NetworkSettings": {"Networks": {}},
        "Mounts": [],
        "State": {"Status": "running"},
    }


@pytest.mark.parametrize(
    ("config", "image", "kept"),
    [
        ({"Entrypoint": ["/e"], "Cmd": ["c"]}, {"Entrypoint": ["/e"], "Cmd": ["c"]}, {}),
        ({"Entrypoint": ["/e"], "Cmd": ["mine"]}, {"Entrypoint": ["/e"], "Cmd": ["c"]}, {"Cmd": ["mine"]}),
        (
            {"Entrypoint": ["/mine"], "Cmd": ["c"]},
            {"Entrypoint": ["/e"], "Cmd": ["c"]},
            {"Entrypoint": ["/mine"], "Cmd": ["c"]},
        ),
        ({"Entrypoint": None, "Cmd": ["c"]}, {"Entrypoint": ["/e"], "Cmd": ["c"]}, {"Entrypoint": [], "Cmd": ["c"]}),
    ],
)
def test_entrypoint_and_command_go_over_together(config: Body, image: Body, kept: Body) -> None:
    own = own_config({"Env": [], "Labels": {}, **config}, image)
    assert {name: own[name] for name in ("Entrypoint", "Cmd") if name in own} == kept


def test_healthcheck_is_taken_apart_field_by_field() -> None:
    brought = {"Test": ["CMD", "a"], "Interval": 5}
    assert "Healthcheck" not in own_config({"Healthcheck": dict(brought)}, {"Healthcheck": brought})
    own = own_config({"Healthcheck": {"Test": ["CMD", "a"], "Interval": 9}}, {"Healthcheck": brought})
    assert own["Healthcheck"] == {"Interval": 9}


def test_our_labels_and_names_do_not_pile_up() -> None:
    old = container(
        {"Labels": {"vq-tui.run": "r", "vq-tui.step": "r.1", "mine": "1", "com.docker.compose.project": "p"}}
    )
    image = {"Config": {"Labels": {"mine": "1", "com.docker.compose.project": "p"}}}
    made = recreation(old, image, "sha256:x", {"vq-tui.step": "s.1"})
    assert made.body["Labels"] == {"com.docker.compose.project": "p", "vq-tui.step": "s.1"}
    assert "Hostname" not in made.body and made.body["Image"] == "sha256:x"


def test_shared_namespaces_take_no_host_name() -> None:
    made = recreation(container({"Hostname": "explicit"}, NetworkMode="container:db"), {}, "sha256:x", {})
    assert "Hostname" not in made.body and "NetworkingConfig" not in made.body
    assert recreation(container({"Hostname": "explicit"}), {}, "sha256:x", {}).body["Hostname"] == "explicit"


def test_standing_containers_are_told_from_what_is_left_over() -> None:
    old, new = container(), {**container({"Labels": {"vq-tui.replaces": "a" * 64}}), "Id": "b" * 64}
    new["Name"] = f"/{'a' * 12}_api"
    assert labels.standing([old, new]) == [old]  # made, not yet in its place
    old["Name"] = "/api_prev_ab12cd"
    assert labels.standing([old, new]) == [new]
    assert labels.standing([old]) == []
    new["State"] = {"Status": "created"}
    assert labels.standing([old, new]) == [old], "its successor never ran: it is what the service has"
    new |= {"State": "exited", "Name": "/api_failed_ab12cd"}
    assert labels.standing([old, new]) == [old], "its successor was taken away again"
    only = {**container({"Labels": {"vq-tui.replaces": "e" * 64}}), "State": {"Status": "created"}}
    assert labels.standing([only]) == [only], "what it replaces is gone: the place is its own, started or not"
    later = {**container({"Labels": {"vq-tui.replaces": "a" * 64}}), "Id": "c" * 64, "Name": "/api"}
    assert labels.standing([old, new, later]) == [later]


def test_a_port_of_a_range_is_kept_and_may_be_given_up() -> None:
    asked = {"80/tcp": [{"HostIp": "", "HostPort": "8000-8009"}]}
    old = container(PortBindings=asked)
    old["NetworkSettings"]["Ports"] = {"80/tcp": [{"HostIp": "", "HostPort": "8003"}]}
    kept = recreation(old, {}, "sha256:x", {})
    assert kept.body["HostConfig"]["PortBindings"]["80/tcp"][0]["HostPort"] == "8003"
    given_up = loosened(kept, old)
    assert given_up is not None and given_up.body["HostConfig"]["PortBindings"] == asked
    fixed = container(PortBindings={"80/tcp": [{"HostIp": "", "HostPort": "8003"}]})
    assert loosened(recreation(fixed, {}, "sha256:x", {}), fixed) is None


PARAMS = Recreate(
    old="a" * 64,
    name="api",
    old_image="sha256:" + "1" * 64,
    image="sha256:" + "2" * 64,
    version="2",
    image_name="api:2",
    started_at=None,
    running=True,
    policy={"Name": "no"},
    stop_seconds=1,
    members=("a" * 64,),
    sole=True,
    same_words=True,
)


@pytest.mark.parametrize(
    ("old", "new", "heir", "removed", "expected"),
    [
        ("running", None, None, False, ProbeState.NOT_STARTED),
        ("exited", None, None, False, ProbeState.PARTIAL),
        (None, None, None, True, ProbeState.PARTIAL),
        (None, None, None, False, ProbeState.UNKNOWN),
        (None, "created", None, True, ProbeState.PARTIAL),
        (None, "running", None, True, ProbeState.DONE),
        ("running", "running", None, False, ProbeState.PARTIAL),
        (None, None, "wanted", True, ProbeState.DONE),
        (None, None, "other", True, ProbeState.PARTIAL),
    ],
)
def test_how_far_a_replacement_got(
    old: str | None, new: str | None, heir: str | None, removed: bool, expected: ProbeState
) -> None:
    def body(status: str, image: str = PARAMS.old_image) -> Body:
        return {**container(RestartPolicy={"Name": "no"}), "Image": image, "State": {"Status": status}}

    theirs = body("running", PARAMS.image if heir == "wanted" else "sha256:other") if heir else None
    sight = Sight(body(old) if old else None, [body(new, PARAMS.image)] if new else [], None, theirs)
    assert judge(sight, PARAMS, removed=removed).state is expected


@pytest.mark.parametrize(
    ("name", "repository", "tag"),
    [
        ("shop/api:1.2", "shop/api", "1.2"),
        ("host:5000/shop/api", "host:5000/shop/api", "latest"),
        ("host:5000/shop/api:1@sha256:ab", "host:5000/shop/api", "1"),
    ],
)
def test_names_of_images(name: str, repository: str, tag: str) -> None:
    assert (artefacts.repository_of(name), artefacts.tag_of(name)) == (repository, tag)


def test_version_comes_from_label_then_tag_then_environment_then_id() -> None:
    image = {
        "Id": "sha256:" + "5" * 64,
        "Config": {"Labels": {"v": "1"}, "Env": ["APP_VERSION=3"]},
        "RepoTags": ["a:2", "a:latest"],
    }
    assert artefacts.artefact_of(image, "v").version == "1"
    assert artefacts.artefact_of(image, "none").version == "2"
    assert artefacts.artefact_of({**image, "RepoTags": ["a:latest", "vq-tui/keep:9"]}, "none").version == "3"
    assert artefacts.artefact_of({"Id": image["Id"]}, "none").version == "5" * 12


def test_schema_bounds_are_read_and_nonsense_is_not() -> None:
    image = {"Id": "sha256:1", "Config": {"Labels": {"vq.min-schema": "3", "vq.max-schema": "many"}}}
    found = artefacts.artefact_of(image, "v")
    assert (found.minimum_schema, found.maximum_schema) == (3, None)


def test_pin_names_what_no_build_can_move() -> None:
    image: Body = {"Id": "sha256:1", "RepoTags": ["a:latest", "a:1", "a:stable"], "RepoDigests": []}
    assert artefacts.pin_name(image) == "sha256:1"
    assert artefacts.pin_name({**image, "RepoDigests": ["<none>@<none>", "a@sha256:2"]}) == "a@sha256:2"


WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=0x7E), min_size=1, max_size=30)


@settings(deadline=None)  # a busy machine is no failure
@given(st.dictionaries(WORDS, WORDS, max_size=4))
def test_pin_says_what_it_was_told(images: dict[str, str]) -> None:
    import yaml

    entries = {name: Entry(image=image, version=name, files={image: name}) for name, image in images.items()}
    text = pin_text(entries, "3.8")
    assert entries_of(text) == entries
    assert (yaml.safe_load(text)["services"] or {}) == {name: {"image": image} for name, image in images.items()}
    for name in images:
        rest = without(text, name)
        left = {key: entry for key, entry in entries.items() if key != name}
        assert (entries_of(rest) if rest is not None else {}) == left


def test_other_people_s_files_are_not_pins() -> None:
    assert entries_of("services:\n  api:\n    image: x\n") is None


def test_a_pin_takes_the_build_away_where_compose_can_do_that() -> None:
    entries = {"api": Entry(image="sha256:1"), "web": Entry(image="sha256:2")}
    assert [pin_text(entries, None, one).count("build: !reset") for one in ("1.29.2", "2.17.9", "2.18.0", "5.6.1")] == [
        0, 0, 2, 2,
    ]  # fmt: skip
    text = pin_text(entries, None, "5.6.1")
    assert entries_of(text) == entries and without(without(text, "api") or "", "web") is None
    assert (without(text, "api") or "").count("!reset") == 1


@pytest.mark.parametrize(
    ("present", "named", "env", "pin", "read"),
    [
        (["docker-compose.yml"], "docker-compose.yml", "", "docker-compose.override.yml", True),
        (["compose.yaml"], "{}/compose.yaml", "", "compose.override.yaml", True),
        (["docker-compose.yml", "docker-compose.override.yml"], "docker-compose.yml", "", "compose.pin.yaml", False),
        (["prod.yml"], "prod.yml", "", "compose.pin.yaml", False),
        (["a.yml", "b.yml"], "x.yml", "COMPOSE_FILE=a.yml:b.yml", "compose.pin.yaml", False),
    ],
)
def test_place_of_the_pin(present: list[str], named: str, env: str, pin: str, read: bool, tmp_path: Path) -> None:
    for name in present:
        (tmp_path / name).write_text("services: {}\n")
    if env:
        (tmp_path / ".env").write_text(env + "\n")
    found = project_files(
        {
            "com.docker.compose.project.working_dir": str(tmp_path),
            "com.docker.compose.project.config_files": named.format(tmp_path),
        }
    )
    assert found is not None
    assert pin_place(found, None) == (tmp_path / pin, read)


def test_pin_among_the_chosen_files_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("services: {}\n")
    (tmp_path / "compose.pin.yaml").write_text(pin_text({"api": Entry(image="a:1")}, None))
    (tmp_path / ".env").write_text("COMPOSE_FILE=a.yml:compose.pin.yaml\n")
    carried = {
        "com.docker.compose.project.working_dir": str(tmp_path),
        "com.docker.compose.project.config_files": "a.yml",
    }
    found = project_files(carried)
    assert found is not None and pin_place(found, None) == (tmp_path / "compose.pin.yaml", True)
    assert pin_place(found, Path("other.yaml")) == (tmp_path / "other.yaml", False)
    assert project_files({**carried, "com.docker.compose.project.working_dir": "/nowhere"}) is None


def test_format_version_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    for text, version in (("version: '3.8'\n", "3.8"), ('version: "2"  # old\n', "2"), ("services: {}\n", None)):
        path.write_text(text)
        assert format_version(path) == version


@pytest.mark.parametrize(
    ("bindings", "exposed", "wanted", "port"),
    [
        ({"8080/tcp": [{"HostPort": "18080-18082"}], "9090/tcp": [{"HostPort": "19090"}]}, [], 18_081, 8080),
        ({}, ["8080/tcp", "9090/tcp"], 9090, 9090),
        ({}, ["8080/tcp"], 80, 8080),
        ({}, ["8080/tcp", "9090/tcp"], 80, None),
        ({}, ["53/udp"], 80, None),
    ],
)
def test_port_behind_an_address(bindings: Body, exposed: list[str], wanted: int, port: int | None) -> None:
    body = container({"ExposedPorts": {key: {} for key in exposed}}, PortBindings=bindings)
    assert port_of(body, wanted) == port


def test_time_stamps_of_the_engine() -> None:
    found = when("2026-01-02T03:04:05.123456789Z")
    assert found is not None and found.isoformat() == "2026-01-02T03:04:05.123456+00:00"
    assert when("0001-01-01T00:00:00Z") is None and when("nonsense") is None and when("2026-99-02T03:04:05Z") is None
