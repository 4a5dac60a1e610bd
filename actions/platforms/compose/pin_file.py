"""What our pin file says: the image of each pinned service, and what it was pinned instead of. Pure."""

import json
import re
from collections.abc import Mapping

from pydantic import ValidationError

from actions.model.base import Fact
from actions.platforms.compose.compose_files import MARK

BY_RUN = "# by run "
"""Begins the line of a pin that names the step which wrote it."""
_RESET_SINCE = (2, 18)
"""The first Compose that can take a field of another file away."""

_STRING = r'"(?:[^"\\]|\\.)*"'
_ENTRY = re.compile(
    rf"^  (?P<service>{_STRING}):(?: # (?P<about>.*))?\n    image: (?P<image>{_STRING})\n", re.MULTILINE
)


class Entry(Fact):
    """One pinned service. What its own files named then is `instead`, which meant the image `instead_id`.

    `files` are fingerprints of those files: when one is another now, somebody wants a deploy that the pin keeps back.
    """

    image: str
    version: str = ""
    instead: str = ""
    instead_id: str = ""
    files: dict[str, str] = {}


def entries_of(text: str) -> dict[str, Entry] | None:
    """The pinned services of a pin file of ours; None for any other file."""
    if not text.startswith(MARK):
        return None
    return {json.loads(one["service"]): _entry(json.loads(one["image"]), one["about"]) for one in _ENTRY.finditer(text)}


def _entry(image: str, about: str | None) -> Entry:
    try:
        return Entry.model_validate({**json.loads(about or "{}"), "image": image})
    except (ValueError, TypeError, ValidationError):  # somebody edited the comment: the image is what counts
        return Entry(image=image)


def run_of(text: str) -> str | None:
    """The run that wrote the file, by its id."""
    line = next((one for one in text.splitlines() if one.startswith(BY_RUN)), "")
    return line.removeprefix(BY_RUN).rpartition(".")[0] or None


def pin_text(entries: Mapping[str, Entry], version: str | None, written_by: str = "") -> str:
    """A pin file for those services. Compose 1 wants every file to name the same format version.

    A service that is built has its image built and tagged by `up --build`: the build is taken away where `written_by`,
    the Compose of the project, can do that. Where it cannot, an image id is a name that no build is given.
    """
    lines = [
        f"{MARK}: these services were rolled back; without this file the next `up` would roll them forward.",
        "# 'vq-tui pin show' explains it, 'vq-tui pin lift' takes an entry away before another release is deployed.",
    ]
    lines += [f'version: "{version}"'] if version else []
    lines.append("services:")
    for service, entry in sorted(entries.items()):
        about = json.dumps(entry.model_dump(mode="json", exclude={"image"}, exclude_defaults=True))
        lines += [
            f"  {json.dumps(service)}:{f' # {about}' if about != '{}' else ''}",
            f"    image: {json.dumps(entry.image)}",
        ]
        if generation(written_by) >= _RESET_SINCE:
            lines += ["    build: !reset null", "    pull_policy: missing"]
    return "\n".join(lines) + "\n"


def without(text: str, service: str) -> str | None:
    """The file without that service; None when none would be left."""
    found = list(_ENTRY.finditer(text))
    if len([one for one in found if json.loads(one["service"]) != service]) == 0:
        return None
    kept = []
    for number, one in enumerate(found):
        end = found[number + 1].start() if number + 1 < len(found) else len(text)
        kept.append("" if json.loads(one["service"]) == service else text[one.start() : end])
    return text[: found[0].start()] + "".join(kept)


def generation(version: str) -> tuple[int, int]:
    """Major and minor number of a Compose; zeros where it does not say."""
    match = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def anonymous(text: str) -> str:
    """A pin without the line that names its step, so that the same pin has the same fingerprint."""
    return "".join(line for line in text.splitlines(True) if not line.startswith(BY_RUN))
