"""Releases on this host: `<releases>/<version>/manifest.json` beside the content it names.

The artefact id is the sha256 over the version and the content, so what was changed or half removed is not at hand.
"""

import hashlib
import json
from pathlib import Path

from actions.model.platform import Artefact
from actions.model.text import clean

MANIFEST = "manifest.json"
CONTENT = "behaviour"
MOST = 200


def read_artefact(directory: Path) -> tuple[Artefact | None, str]:
    """The artefact in `directory`, or None and what is wrong with it."""
    try:
        manifest = json.loads((directory / MANIFEST).read_bytes())
        version, reference = str(manifest["version"]), str(manifest["artefact"])
        content = (directory / Path(str(manifest[CONTENT])).name).read_bytes()
    except FileNotFoundError as error:
        return None, f"{Path(str(error.filename)).name} is missing in {directory}"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return None, f"release in {directory} cannot be read: {clean(error, limit=200)}"
    found = "sha256:" + hashlib.sha256(version.encode() + b"\n" + content).hexdigest()
    if found != reference:
        return None, f"release {clean(version, limit=60)} in {directory} is damaged: its content does not match its id"
    return (
        Artefact(
            version=clean(version, limit=100),
            reference=clean(reference, limit=200),
            detail={"release": directory.name},
            minimum_schema=_number(manifest.get("min_schema")),
            maximum_schema=_number(manifest.get("max_schema")),
        ),
        "",
    )


def artefacts(releases: Path | None) -> tuple[Artefact, ...]:
    """Every intact release below `releases`, the one that arrived last first."""
    if releases is None or not releases.is_dir():
        return ()
    directories = sorted((one for one in releases.iterdir() if (one / MANIFEST).is_file()), key=_arrived, reverse=True)[
        :MOST
    ]
    return tuple(found for found, _ in map(read_artefact, directories) if found is not None)


def _arrived(directory: Path) -> float:
    return (directory / MANIFEST).stat().st_mtime


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
