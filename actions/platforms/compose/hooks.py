"""Hooks of the Compose files that a rollback does not run, so that a plan can name them.

Compose runs `post_start` commands inside each container that it starts. They belong to the release that the files
describe, not to the one that is brought back, and may change data: a person decides. `pre_stop` is not run either, as
Compose itself leaves it out when it makes a container again.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from actions.model.text import clean
from actions.platforms.compose import labels
from actions.platforms.compose.compose_files import text_of

_KEY = re.compile(r"""^[ \t]+["']?post_start["']?[ \t]*:""", re.MULTILINE)
_SHARED = re.compile(r"""^[ \t]*(<<|["']?(extends|include)["']?)[ \t]*:|\*\w""", re.MULTILINE)


def unrun_hooks(carried: Mapping[str, str], service: str) -> tuple[str, ...]:
    """What a plan says of them, from the files that the label names. Files that are not here are not looked at."""
    texts = []
    for name in carried.get(labels.CONFIG_FILES, "").split(","):
        try:
            texts.append((text_of(Path(name)) or "") if name else "")
        except OSError:  # a directory, or not for this user: Compose could not say more
            continue
    return said_of(texts, service)


def said_of(texts: Sequence[str], service: str) -> tuple[str, ...]:
    """The same from the files' texts. Pure."""
    shown = clean(service, limit=100)
    if any(_KEY.search(block_of(text, service)) for text in texts):
        return (f"post_start hooks of {shown} are not run; run them by hand if this release needs them",)
    if any(_KEY.search(text) for text in texts) and any(_SHARED.search(text) for text in texts):
        return (f"post_start hooks, if {shown} has any of those in the Compose files, are not run",)
    return ()


def block_of(text: str, service: str) -> str:
    """The lines of that service in a Compose file; empty for none, or where it is not written as a block."""
    lines = text.splitlines()
    start = next((at for at, line in enumerate(lines) if re.match(r"""["']?services["']?[ \t]*:""", line)), len(lines))
    named = re.compile(rf"""([ \t]+)["']?{re.escape(service)}["']?[ \t]*:""")
    for at in range(start + 1, len(lines)):
        line = lines[at]
        if line.strip() and not line[0].isspace() and not line.startswith("#"):
            return ""
        if match := named.match(line):
            return "\n".join(_below(lines[at + 1 :], len(match[1])))
    return ""


def _below(lines: Sequence[str], indentation: int) -> list[str]:
    """The lines that stand deeper, up to the first that does not."""
    found = []
    for line in lines:
        content = line.lstrip()
        if content and not content.startswith("#") and len(line) - len(content) <= indentation:
            break
        found.append(line)
    return found
