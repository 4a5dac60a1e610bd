"""Tags of images: how exactly one names a release. Pure."""

import re

_WORDS = """
latest stable edge main master trunk head dev develop development test testing staging stage prod production current
release rolling nightly next canary preview lts live previous old new alpha beta
"""
FLOATING = frozenset(_WORDS.split())
"""Words that people let mean another image with every build."""

_NUMBERS = re.compile(r"^v?(?P<numbers>\d+(?:\.\d+)*)(?P<rest>(?:[-+_.].*|[a-z].*)?)$", re.IGNORECASE)


def exactness(tag: str) -> tuple[int, int, str]:
    """A key that sorts the most exact tag first: full release numbers, short ones, other words, floating ones.

    A bare number of three digits at most is the head of a release line (`3`); a longer one counts builds or days.
    """
    if tag.lower() in FLOATING:
        return 5 if tag.lower() != "latest" else 6, len(tag), tag
    match = _NUMBERS.match(tag)
    if match is None:
        return 3, len(tag), tag
    parts = match["numbers"].split(".")
    if len(parts) >= 3:
        rank = 0
    elif len(parts) == 2:
        rank = 1
    else:
        rank = 2 if len(parts[0]) > 3 else 4
    return rank, len(tag), tag


def is_floating(tag: str) -> bool:
    """Whether people let it mean another image with every build or release: `latest`, `stable`, `3`."""
    return exactness(tag)[0] >= 4


def is_release_number(tag: str) -> bool:
    """Whether it is written as a release: `3.1`, `v3.0.1`, `3.0.1-slim`."""
    return bool(tag) and exactness(tag)[0] in (0, 1)


def tells_the_same(label: str, tag: str) -> bool:
    """Whether a label and a tag name one release, the one perhaps shorter: `3.0.1` and `v3.0.1-slim`."""
    one, other = (text.lower().removeprefix("v") for text in (label, tag))
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    return longer.startswith(shorter) and (len(longer) == len(shorter) or not longer[len(shorter)].isalnum())
