"""Which artefact people mean by a name: its version, its reference, a tag, a digest, the start of an id. Pure."""

import re
from collections.abc import Iterable

from actions.model.platform import Artefact

_START_OF_ID = re.compile(r"(sha256:)?[0-9a-f]{7,64}")


def called(artefact: Artefact, name: str) -> bool:
    """Whether `name` is one of its names in any way."""
    return any(matches(artefact, name) for matches in (_by_version, _by_name, _by_start))


def meant(artefacts: Iterable[Artefact], name: str) -> list[Artefact]:
    """The artefacts that `name` means: a version or reference first, then a tag or digest, then the start of an id."""
    present = list(artefacts)
    for matches in (_by_version, _by_name, _by_start):
        if found := [one for one in present if matches(one, name)]:
            return found
    return []


def _by_version(artefact: Artefact, name: str) -> bool:
    return name in (artefact.version, artefact.reference)


def _by_name(artefact: Artefact, name: str) -> bool:
    whole = [*_listed(artefact, "names"), *_listed(artefact, "digests")]
    ends = [one.rpartition("@")[2] if "@" in one else one.rpartition(":")[2] for one in whole]
    return name in whole or name in ends


def _by_start(artefact: Artefact, name: str) -> bool:
    digests = [artefact.reference, *(one.rpartition("@")[2] for one in _listed(artefact, "digests"))]
    start = name.removeprefix("sha256:")
    return _START_OF_ID.fullmatch(name) is not None and any(
        one.removeprefix("sha256:").startswith(start) for one in digests if one.startswith("sha256:")
    )


def _listed(artefact: Artefact, key: str) -> list[str]:
    found = artefact.detail.get(key)
    return [str(one) for one in found] if isinstance(found, list) else []
