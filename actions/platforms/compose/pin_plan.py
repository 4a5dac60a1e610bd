"""Planning the pin: what to write, which `config-hash` the new containers carry, and what stays open."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from actions.model.identity import digest
from actions.model.text import clean
from actions.model.workloads import ComposeWorkload
from actions.platforms.compose import compose_files as files_of
from actions.platforms.compose import labels
from actions.platforms.compose.compose_cli import ComposeCli, Hashes, variables
from actions.platforms.compose.observe import Scene
from actions.platforms.compose.params import Pin, Question
from actions.platforms.compose.pin_advice import deploy_command
from actions.platforms.compose.pin_file import Entry, anonymous, entries_of, pin_text
from actions.platforms.compose.pin_standing import fingerprints, instead_of

PLANNING_SECONDS = 4.0
"""Longest that planning waits for Compose."""
SLOW = "pin pending: Compose has not answered yet; the next `up` makes the containers once more"


@dataclass(frozen=True)
class PinPlan:
    """`managed`: Compose made these containers. `pin` None: nothing to write. `config_hash` None: keep the label."""

    managed: bool
    pin: Pin | None = None
    config_hash: str | None = None
    risks: tuple[str, ...] = ()


async def plan_pin(settings: ComposeWorkload, cli: ComposeCli, scene: Scene, name: str, version: str) -> PinPlan:
    """The pin of the service to the image `name`, which people call `version`.

    Never fails a rollback: what cannot be done becomes a risk.
    """
    carried = labels.labels_of(scene.containers[0])
    if labels.PROJECT not in carried or labels.CONFIG_HASH not in carried:
        return PinPlan(managed=False)
    try:
        found = await asyncio.to_thread(_write_down, settings, scene, name, version)
    except OSError as error:
        return PinPlan(managed=True, risks=(_pending(clean(error, limit=200), name),))
    if isinstance(found, str):
        return PinPlan(managed=True, risks=(_pending(found, name),))
    pin, files, auto = found
    risks = [] if auto else [_unread(settings, carried, files, Path(pin.path))]
    question = await asyncio.to_thread(_question, scene, pin, files)
    wanted, doubt, later = None, str(question), None
    if isinstance(question, Question):
        hashes = await cli.hashes(question, PLANNING_SECONDS)
        wanted, doubt = judged(hashes, question)
        later = question if hashes is None else None
    risks += [doubt] if doubt else []
    needed = pin.before != fingerprint(pin.content) or later is not None
    whole = pin.model_copy(update={"risks": tuple(risks), "question": later})
    return PinPlan(True, whole if needed else None, wanted, tuple(risks))


def judged(hashes: Hashes | None, question: Question) -> tuple[str | None, str]:
    """The label for the new containers, or why the present one stays.

    Compose's word counts only if it explains what runs now: with other files or variables than those the containers
    were made from, a computed label would hide the difference from the next `up`.
    """
    if hashes is None:
        return None, SLOW
    if hashes.trouble:
        return None, f"pin pending: {clean(hashes.trouble, limit=200)}; the next `up` makes the containers once more"
    if hashes.now is None or hashes.then is None:
        return None, "pin pending: Compose cannot read the project's files; the next `up` says why"
    if question.present != hashes.now:
        return (
            None,
            "pin pending: the Compose files differ from what runs; the next `up` makes the containers once more",
        )
    return hashes.then, ""


def _question(scene: Scene, pin: Pin, files: files_of.ProjectFiles) -> Question | str:
    carried = labels.labels_of(scene.containers[0])
    version = carried.get(labels.COMPOSE_VERSION, "")
    if ComposeCli.command(version) is None:
        return "pin pending: no Compose on this host; the next `up` makes the containers once more"
    present = {labels.labels_of(one).get(labels.CONFIG_HASH, "") for one in scene.containers}
    return Question(
        directory=str(files.directory),
        project=carried[labels.PROJECT],
        version=version,
        read=tuple(str(one) for one in files.read),
        environment=tuple(str(one) for one in files.environment),
        pin=pin.path,
        content=pin.content,
        present=",".join(sorted(present)),
        known=tuple(_fingerprints(scene, files)),
    )


def _write_down(
    settings: ComposeWorkload, scene: Scene, name: str, version: str
) -> tuple[Pin, files_of.ProjectFiles, bool] | str:
    """The pin, the files it joins, and whether `up` reads it; or why there can be none."""
    container = scene.containers[0]
    carried = labels.labels_of(container)
    files = files_of.project_files(carried)
    if files is None:
        return "the project's Compose files are not on this host"
    path, auto = files_of.pin_place(files, settings.pin_file)
    present = files_of.text_of(path)
    before = entries_of(present) if present else {}
    if before is None:
        return f"{path} was written by somebody else"
    if not os.access(path.parent, os.W_OK) or (present is not None and not os.access(path, os.W_OK)):
        return f"no right to write {path}"
    instead, instead_id = instead_of(container, before, settings.service)
    prints = fingerprints(files, path)
    entry = Entry(image=name, version=version, instead=instead, instead_id=instead_id, files=prints)
    written_by = carried.get(labels.COMPOSE_VERSION, "")
    content = pin_text({**before, settings.service: entry}, files_of.format_version(files.read[0]), written_by)
    known = {str(one): files_of.sha256_of(files_of.text_of(one)) or "" for one in files.read if one != path}
    pin = Pin(path=str(path), content=content, before=fingerprint(present), files=known)
    return pin, files, auto


def _fingerprints(scene: Scene, files: files_of.ProjectFiles) -> list[str]:
    """Of everything that Compose's answer depends on: files, variables, and what the images' names mean."""
    named = sorted((key, sorted(one.get("RepoTags") or [])) for key, one in scene.inspected.items())
    texts = [files_of.text_of(one) or "" for one in files.read]
    texts += [files_of.readable_text_of(one) or "" for one in files.variables]
    return [digest(named), *(digest(text) for text in texts), variables(texts)]


def fingerprint(text: str | None) -> str | None:
    """sha256 of a pin's content, whoever wrote it; None for no file."""
    return None if text is None else files_of.sha256_of(anonymous(text))


def _pending(why: str, name: str) -> str:
    return f"pin pending: {why}; set the image to {name} there, or the next `up` rolls forward"


def _unread(settings: ComposeWorkload, carried: dict[str, str], files: files_of.ProjectFiles, pin: Path) -> str:
    program = ComposeCli.called(carried.get(labels.COMPOSE_VERSION, ""))
    command = deploy_command(settings, carried, files, program, pin)
    return f"pin pending: a plain `up` does not read {pin.name}; deploy by `{command}`"
