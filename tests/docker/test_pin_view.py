"""What is said of a pin from a project's files: whether it stands, is read, and which deploy waits. No engine."""

import json
from pathlib import Path
from typing import Any

import pytest

from actions.model.words import Gate
from actions.model.workloads import ComposeWorkload
from actions.platforms.compose import compose_cli
from actions.platforms.compose.compose_files import project_files
from actions.platforms.compose.pin_file import Entry, pin_text
from actions.platforms.compose.pin_standing import About, PinView, fingerprints, view

GOOD, BAD, FIXED = (f"sha256:{number * 64}" for number in "123")
PLACE, END = "-p shop --project-directory {0}", "-f {0}/compose.pin.yaml up -d api"
SETTINGS = ComposeWorkload(project="shop", service="api")


def container(folder: Path, files: str = "docker-compose.yml", version: str = "5.6.1", **labels: str) -> dict[str, Any]:
    named = {
        "com.docker.compose.project": "shop",
        "com.docker.compose.config-hash": "1",
        "com.docker.compose.project.working_dir": str(folder),
        "com.docker.compose.project.config_files": files,
        "com.docker.compose.version": version,
    }
    return {"Id": "c", "Image": GOOD, "Config": {"Labels": named | labels, "Image": "shop/api:latest"}}


def look(folder: Path, images: tuple[dict[str, Any], ...] = (), **more: Any) -> PinView:
    return view(SETTINGS, About("production", "api"), container(folder, **more), images)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docker-compose.yml").write_text("services: {api: {image: 'shop/api:latest'}}\n")
    return tmp_path


def pin(folder: Path, name: str = "docker-compose.override.yml", **more: Any) -> Path:
    carried = container(folder, **more)["Config"]["Labels"]
    files = project_files(carried)
    assert files is not None
    path = folder / name
    prints = fingerprints(files, path)
    entry = Entry(image=GOOD, version="1.0.0", instead="shop/api:latest", instead_id=BAD, files=prints)
    path.write_text(pin_text({"api": entry, "web": Entry(image=BAD)}, None, "5.6.1"))
    return path


def test_no_pin_and_one_that_would_be_read_is_nothing_to_say(folder: Path) -> None:
    assert look(folder) == PinView()


def test_a_standing_pin_passes_and_names_its_command(folder: Path) -> None:
    path = pin(folder)
    found = look(folder)
    assert found.pin is not None and found.note is not None and found.note.gate is Gate.PASS
    assert (found.pin.file, found.pin.version, found.pin.read, found.pin.blocks) == (str(path), "1.0.0", True, "")
    assert found.pin.lift == "vq-tui --env production pin lift --service api" and found.pin.lift in found.note.evidence


@pytest.mark.parametrize("changed", ["docker-compose.yml", ".env"])
def test_files_that_changed_since_are_named(folder: Path, changed: str) -> None:
    (folder / ".env").write_text("A=1\n")
    pin(folder)
    (folder / changed).write_text("# other\nservices: {api: {image: 'shop/api:2'}}\n")
    found = look(folder)
    assert found.pin is not None and found.pin.blocks == f"{changed} changed since"
    assert found.note is not None and found.note.gate is Gate.INCONCLUSIVE and found.pin.lift in found.note.advice


@pytest.mark.parametrize(("meant", "waits"), [(BAD, False), (GOOD, False), (FIXED, True)])
def test_a_tag_that_means_another_image_waits(folder: Path, meant: str, waits: bool) -> None:
    pin(folder)
    found = look(folder, ({"Id": meant, "RepoTags": ["shop/api:latest"]},))
    assert found.pin is not None and bool(found.pin.blocks) is waits


@pytest.mark.parametrize(
    ("files", "version", "words"),
    [
        ("{0}/a.yml,{0}/b.yml", "5.6.1", f"{PLACE} -f {{0}}/a.yml -f {{0}}/b.yml {END}"),
        ("a.yml", "1.29.2", f"docker-compose {PLACE} -f {{0}}/a.yml {END}"),
    ],
)
def test_files_that_were_named_get_the_command_that_names_the_pin_too(
    folder: Path, files: str, version: str, words: str
) -> None:
    for name in ("a.yml", "b.yml"):
        (folder / name).write_text("services: {}\n")
    before = look(folder, files=files.format(folder), version=version)
    assert before.pin is None and before.note is not None and before.note.gate is Gate.INCONCLUSIVE
    assert before.note.advice.endswith(words.format(folder))
    pin(folder, "compose.pin.yaml", files=files.format(folder), version=version)
    after = look(folder, files=files.format(folder), version=version)
    assert after.pin is not None and not after.pin.read and after.pin.deploy.endswith(words.format(folder))


def test_environment_files_are_part_of_the_command_and_of_what_is_watched(folder: Path) -> None:
    (folder / "prod.env").write_text("A=1\n")
    named = {"files": f"{folder}/a.yml", "com.docker.compose.project.environment_file": f"{folder}/prod.env"}
    (folder / "a.yml").write_text("services: {}\n")
    pin(folder, "compose.pin.yaml", **named)
    found = look(folder, **named).pin
    assert found is not None and f"--env-file {folder}/prod.env -p shop" in found.deploy
    (folder / "prod.env").write_text("A=2\n")
    again = look(folder, **named).pin
    assert again is not None and again.blocks == "prod.env changed since"


def test_what_stands_in_the_way_of_a_pin_is_said_before(folder: Path) -> None:
    (folder / "compose.pin.yaml").write_text("services: {}\n")
    (folder / "docker-compose.override.yml").write_text("services: {}\n")
    foreign = look(folder)
    assert foreign.note is not None and "written by somebody else" in foreign.note.evidence
    (folder / "docker-compose.yml").unlink()
    gone = look(folder)
    assert gone.note is not None and "not on this host" in gone.note.evidence and gone.note.advice


def test_a_container_that_compose_did_not_make_has_no_pin(folder: Path) -> None:
    assert view(SETTINGS, About("production", "api"), {"Config": {"Labels": {}}}, ()) == PinView()


def test_a_pin_whose_comment_was_edited_still_stands(folder: Path) -> None:
    path = pin(folder)
    path.write_text(path.read_text().replace('# {"version"', "# {version"))
    found = look(folder)
    assert found.pin is not None and (found.pin.image, found.pin.version) == (GOOD, GOOD)


@pytest.mark.parametrize("place", ["DOCKER_CONFIG", "home", "extra", "none"])
def test_the_plugin_is_found_where_docker_looks(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    folder = tmp_path / ".docker" / "cli-plugins"
    if place == "DOCKER_CONFIG":
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "chosen"))
        folder = tmp_path / "chosen" / "cli-plugins"
    if place == "extra":
        folder = tmp_path / "elsewhere"
        (tmp_path / ".docker").mkdir()
        (tmp_path / ".docker" / "config.json").write_text(json.dumps({"cliPluginsExtraDirs": [str(folder)]}))
    system = [path for path in compose_cli.plugin_directories() if str(path).startswith("/usr")]
    assert [str(path) for path in system] == [
        f"/usr/{name}/docker/cli-plugins" for name in ("local/lib", "local/libexec", "lib", "libexec")
    ]
    monkeypatch.setattr(compose_cli, "SYSTEM", ())
    if place != "none":
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "docker-compose").write_text("")
        assert not compose_cli.plugin(), "a file that nobody may execute is no plugin"
        (folder / "docker-compose").chmod(0o755)
    assert compose_cli.plugin() is (place != "none")


def test_variables_that_cannot_be_read_keep_no_pin_from_being_seen(folder: Path) -> None:
    """As root everything can be read, so that a directory stands in for a file that cannot."""
    (folder / ".env").mkdir()
    pin(folder)
    found = look(folder).pin
    assert found is not None and not found.blocks
