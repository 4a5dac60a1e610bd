"""What the first frame needs of the configuration, read without building a single model of it.

Everything else is read, strictly, while the frame is already on show. Where a value here is not what it should be,
there is no glance: the whole reading then comes first and says what is wrong.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from screens.glyphs import BANDS

if TYPE_CHECKING:
    from screens.desk_protocol import Viewer

LARGEST = 1024 * 1024


@dataclass(frozen=True)
class Glance:
    """The environment by name and look, and how the console is to look. `interval` in seconds."""

    environment: str
    product: str = "virtual-queue"
    band: str = "red"
    drill: bool = False
    read_only: bool = False
    interval: float = 2.0
    theme: str = "calm"
    ascii: bool = False
    keys: dict[str, str] = field(default_factory=dict)
    mouse: bool = False

    @classmethod
    def of(cls, desk: "Viewer") -> "Glance":
        """The same of a desk that is there already."""
        one, console = desk.environment, desk.settings.console
        return cls(
            desk.environment_name, one.product, one.band, one.drill, desk.read_only, one.interval,
            console.theme, console.ascii, dict(console.keys), console.mouse,
        )  # fmt: skip


def glance(file: Path, name: str | None, variables: Mapping[str, str] = os.environ) -> Glance | None:
    """The glance at environment `name`, or at the default one; None where only the whole reading can tell."""
    from actions.config.places import ENVIRONMENT_VARIABLE

    data = _read(file)
    if data is None:
        return None
    environments, console = data.get("environments"), data.get("console", {})
    if not isinstance(environments, dict) or not isinstance(console, dict):
        return None
    wanted = name or variables.get(ENVIRONMENT_VARIABLE) or data.get("default_environment")
    if wanted is None and len(environments) == 1:
        wanted = next(iter(environments))
    one = environments.get(wanted) if isinstance(wanted, str) else None
    if not isinstance(one, dict):
        return None
    found = {key: one[key] for key in ("product", "band", "drill", "read_only", "interval") if key in one}
    found |= {key: console[key] for key in ("theme", "ascii", "keys", "mouse") if key in console}
    return Glance(str(wanted), **found) if _sound(found) else None


def _read(file: Path) -> dict[str, Any] | None:
    try:
        with file.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
        return tomllib.loads(raw.decode("utf-8-sig")) if len(raw) <= LARGEST else None
    except (OSError, ValueError, RecursionError):
        return None


def _sound(found: dict[str, Any]) -> bool:
    kinds: dict[str, tuple[type, ...]] = {
        "product": (str,), "band": (str,), "drill": (bool,), "read_only": (bool,), "interval": (int, float),
        "theme": (str,), "ascii": (bool,), "keys": (dict,), "mouse": (bool,),
    }  # fmt: skip
    right = all(type(value) in kinds[key] for key, value in found.items())
    right = right and all(isinstance(key, str) for key in found.get("keys", {}).values())
    return right and found.get("band", "red") in BANDS and found.get("product", "").isprintable()
