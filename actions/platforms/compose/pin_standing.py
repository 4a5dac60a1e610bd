"""The pin that stands for a service, as its file says it now, and which deploy it keeps back."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actions.model.health import Check
from actions.model.platform import StandingPin
from actions.model.text import clean
from actions.model.words import Gate
from actions.model.workloads import ComposeWorkload
from actions.platforms.compose import compose_files as files_of
from actions.platforms.compose import labels
from actions.platforms.compose.compose_cli import ComposeCli
from actions.platforms.compose.pin_advice import deploy_command, lift_command
from actions.platforms.compose.pin_file import Entry, entries_of, run_of

Body = dict[str, Any]


@dataclass(frozen=True)
class About:
    """Of which service of which environment the pin is, for the commands."""

    environment: str
    service: str


@dataclass(frozen=True)
class PinView:
    """What is to be said about the pin of a service: the standing one, and a check of the way back."""

    pin: StandingPin | None = None
    note: Check | None = None


def view(settings: ComposeWorkload, about: About, container: Body, images: Sequence[Body]) -> PinView:
    """Of a service whose container Compose made. Blocking: reads the project's files. Never fails a look."""
    carried = labels.labels_of(container)
    if labels.PROJECT not in carried or labels.CONFIG_HASH not in carried:
        return PinView()
    try:
        return _view(settings, about, carried, images)
    except OSError as error:
        return PinView(note=_note(f"the Compose files cannot be read: {clean(error, limit=200)}", ""))


def _view(settings: ComposeWorkload, about: About, carried: dict[str, str], images: Sequence[Body]) -> PinView:
    files = files_of.project_files(carried)
    if files is None:
        return PinView(note=_note("no pin can be written: the project's Compose files are not on this host", ""))
    path, read = files_of.pin_place(files, settings.pin_file)
    text = files_of.text_of(path)
    found = entries_of(text) if text is not None else {}
    if found is None:
        return PinView(note=_note(f"no pin can be written: {path} was written by somebody else", ""))
    program = ComposeCli.called(carried.get(labels.COMPOSE_VERSION, ""))
    deploy = deploy_command(settings, carried, files, program, None if read else path)
    entry = found.get(settings.service)
    if entry is None:
        return PinView(note=_before(path, text is not None, read, deploy))
    pin = StandingPin(
        service=settings.service,
        file=str(path),
        image=clean(entry.image, limit=300),
        version=clean(entry.version or entry.image, limit=100),
        read=read,
        lift=lift_command(about.environment, about.service),
        deploy=deploy,
        run=clean(run_of(text or "") or "", limit=60) or None,
        instead=clean(entry.instead, limit=300),
        blocks=clean(_blocks(entry, files, path, images), limit=300),
    )
    return PinView(pin, _standing(pin))


def fingerprints(files: files_of.ProjectFiles, pin: Path) -> dict[str, str]:
    """Short fingerprints of everything but the pin that says what the project wants. Raises OSError."""
    texts = {str(one): files_of.text_of(one) for one in files.read if one != pin}
    texts |= {str(one): files_of.readable_text_of(one) for one in files.variables}
    return {name: (files_of.sha256_of(text) or "")[:12] for name, text in texts.items() if text is not None}


def _blocks(entry: Entry, files: files_of.ProjectFiles, pin: Path, images: Sequence[Body]) -> str:
    """Why somebody seems to want another release now; empty when nothing says so."""
    now = fingerprints(files, pin) if entry.files else {}
    changed = sorted(Path(name).name for name in {**entry.files, **now} if now.get(name) != entry.files.get(name))
    if entry.files and changed:
        return f"{', '.join(changed)} changed since"
    meant = next((one["Id"] for one in images if entry.instead in (one.get("RepoTags") or [])), None)
    if entry.instead and entry.instead_id and meant not in (None, entry.instead_id, entry.image):
        return f"{entry.instead} is another image now"
    return ""


def _standing(pin: StandingPin) -> Check:
    name = Path(pin.file).name
    evidence = f"{pin.service} is pinned to {pin.version} by {name}; lift: {pin.lift}"
    if pin.blocks:
        return _note(f"{pin.blocks}: the pin to {pin.version} ({name}) keeps that back", f"to deploy it: {pin.lift}")
    if not pin.read:
        return _note(f"pinned to {pin.version}, but a plain `up` does not read {name}", f"deploy by: {pin.deploy}")
    return Check(id="pin", title="Compose pin", gate=Gate.PASS, evidence=evidence)


def _before(path: Path, present: bool, read: bool, deploy: str) -> Check | None:
    """What a rollback would not be able to hold, said before it; None when a pin would hold it."""
    if not os.access(path if present else path.parent, os.W_OK) or not os.access(path.parent, os.W_OK):
        return _note(f"no pin can be written: no right to write {path}", "")
    if not read:
        return _note(f"a plain `up` will not read the pin, {path.name}", f"after a rollback deploy by: {deploy}")
    return None


def _note(evidence: str, advice: str) -> Check:
    advice = advice or "after a rollback the next `up` rolls forward: change the image in the Compose files first"
    return Check(
        id="pin", title="Compose pin", gate=Gate.INCONCLUSIVE, evidence=clean(evidence, limit=400), advice=advice
    )


def instead_of(container: Body, before: Mapping[str, Entry], service: str) -> tuple[str, str]:
    """What the project's own files name for the service, and the image that this means: a pin before knew it."""
    if (entry := before.get(service)) is not None and entry.instead:
        return entry.instead, entry.instead_id
    carried = labels.labels_of(container)
    name = str(carried.get(labels.IMAGE_NAME) or (container.get("Config") or {}).get("Image") or "")
    return name, str(container.get("Image") or "")
