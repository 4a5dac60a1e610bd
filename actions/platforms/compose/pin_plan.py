"""Planning the pin: what to write, which `config-hash` the new containers carry, and what stays open (2.2)."""

import asyncio
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from actions.model.environment import ComposeWorkload
from actions.model.identity import digest
from actions.model.text import clean
from actions.platforms.compose import compose_files as files_of
from actions.platforms.compose import labels
from actions.platforms.compose.compose_cli import ComposeCli, variables
from actions.platforms.compose.observe import Scene
from actions.platforms.compose.params import Pin

BY_RUN = "# by run "
"""Begins the line of a pin that names the step which wrote it."""


@dataclass(frozen=True)
class PinPlan:
    """`managed`: Compose made these containers. `pin` None: nothing to write. `config_hash` None: keep the label."""

    managed: bool
    pin: Pin | None = None
    config_hash: str | None = None
    risks: tuple[str, ...] = ()


async def plan_pin(settings: ComposeWorkload, cli: ComposeCli, scene: Scene, name: str) -> PinPlan:
    """The pin of the service to the image called `name`. Never fails a rollback: what cannot be done becomes a risk."""
    carried = labels.labels_of(scene.containers[0])
    if labels.PROJECT not in carried or labels.CONFIG_HASH not in carried:
        return PinPlan(managed=False)
    try:
        found = await asyncio.to_thread(_write_down, settings, carried, name)
    except OSError as error:
        return PinPlan(managed=True, risks=(_pending(clean(error, limit=200), name),))
    if isinstance(found, str):
        return PinPlan(managed=True, risks=(_pending(found, name),))
    pin, files, auto = found
    risks = [] if auto else [_unread(files, Path(pin.path))]
    wanted, doubt = await _config_hash(cli, scene, pin, files)
    changed = pin.before != fingerprint(pin.content)
    risks += [doubt] if doubt else []
    return PinPlan(True, pin.model_copy(update={"risks": tuple(risks)}) if changed else None, wanted, tuple(risks))


def _write_down(
    settings: ComposeWorkload, carried: dict[str, str], name: str
) -> tuple[Pin, files_of.ProjectFiles, bool] | str:
    """The pin, the files it joins, and whether `up` reads it; or why there can be none."""
    files = files_of.project_files(carried)
    if files is None:
        return "the project's Compose files are not on this host"
    path, auto = files_of.pin_place(files, settings.pin_file)
    present = files_of.text_of(path)
    before = files_of.pinned_images(anonymous(present)) if present else {}
    if before is None:
        return f"{path} was written by somebody else"
    if not os.access(path.parent, os.W_OK) or (present is not None and not os.access(path, os.W_OK)):
        return f"no right to write {path}"
    content = files_of.pin_text({**before, settings.service: name}, files_of.format_version(files.read[0]))
    known = {str(one): files_of.sha256_of(files_of.text_of(one)) or "" for one in files.read if one != path}
    pin = Pin(path=str(path), content=content, before=fingerprint(present), files=known)
    return pin, files, auto


async def _config_hash(cli: ComposeCli, scene: Scene, pin: Pin, files: files_of.ProjectFiles) -> tuple[str | None, str]:
    """The label for the new containers, or why the present one stays.

    Compose's word counts only if it explains what runs now: with other files or variables than those the containers
    were made from, a computed label would hide the difference from the next `up`.
    """
    carried = labels.labels_of(scene.containers[0])
    command = cli.command(carried.get(labels.COMPOSE_VERSION, ""))
    if command is None:
        return None, "pin pending: no Compose on this host; the next `up` makes the containers once more"
    present = {labels.labels_of(one).get(labels.CONFIG_HASH) for one in scene.containers}
    others = [one for one in files.read if str(one) != pin.path]
    with tempfile.TemporaryDirectory(prefix="vq-tui-") as folder:
        draft = Path(folder, "pin.yaml")
        await asyncio.to_thread(draft.write_text, pin.content, "utf-8")
        known = await asyncio.to_thread(_fingerprints, scene, pin, files)
        then = [*others, draft]
        project, agreed = carried[labels.PROJECT], next(iter(present)) if len(present) == 1 else None
        found = await cli.hashes(command, files.directory, project, files.read, then, known, agreed)
    if found.now is None or found.then is None:
        return None, "pin pending: Compose did not answer; the next `up` makes the containers once more"
    if agreed != found.now:
        return (
            None,
            "pin pending: the Compose files differ from what runs; the next `up` makes the containers once more",
        )
    return found.then, ""


def _fingerprints(scene: Scene, pin: Pin, files: files_of.ProjectFiles) -> list[str]:
    """Of everything that Compose's answer depends on: files, variables, and what the images' names mean."""
    named = sorted((key, sorted(one.get("RepoTags") or [])) for key, one in scene.inspected.items())
    texts = [files_of.text_of(one) or "" for one in (*files.read, files.directory / ".env")]
    return [digest(named), pin.content, *(digest(text) for text in texts), variables(texts)]


def anonymous(text: str) -> str:
    """A pin without the line that names its step, so that the same pin has the same fingerprint."""
    return "".join(line for line in text.splitlines(True) if not line.startswith(BY_RUN))


def fingerprint(text: str | None) -> str | None:
    """sha256 of a pin's content, whoever wrote it; None for no file."""
    return None if text is None else files_of.sha256_of(anonymous(text))


def _pending(why: str, name: str) -> str:
    return f"pin pending: {why}; set the image to {name} there, or the next `up` rolls forward"


def _unread(files: files_of.ProjectFiles, pin: Path) -> str:
    arguments = " ".join(f"-f {one}" for one in [*(one for one in files.read if one != pin), pin])
    return f"pin pending: a plain `up` does not read {pin.name}; use `docker-compose {arguments} up -d`"
