"""Themes are data in `themes/`: colours and text styles by role; a theme may name another for sixteen colours."""

import tomllib
from pathlib import Path

from textual.theme import Theme

from actions.model.errors import ConfigError
from screens.cells import ROLES

FOLDER = Path(__file__).resolve().parent.parent / "themes"
DEFAULT = "calm"
_UNDER = ("badge-under", *(f"band-{name}" for name in ("red", "amber", "green", "blue", "violet", "grey", "drill")))


def names() -> tuple[str, ...]:
    """The themes there are."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def load(name: str) -> Theme:
    """The theme of that name. Raises ConfigError listing the known ones."""
    data = _data(name)
    colours, styles = data["colours"], data.get("styles", {})
    variables = {f"vq-{key}": colours[key] for key in (*_UNDER, *(r for r in ROLES if r in colours))}
    variables |= {f"vq-{role}": colours["foreground"] for role in ROLES if f"vq-{role}" not in variables}
    variables |= {f"vq-{role}-style": str(styles.get(role, "none")) for role in ROLES}
    variables |= {
        "input-cursor-background": colours["foreground"] if not data.get("ansi") else "ansi_default",
        "input-cursor-foreground": colours["background"],
        "input-cursor-text-style": "reverse" if data.get("ansi") else "none",
    }
    if data.get("ansi"):
        variables |= {"ansi-background": "ansi_default", "ansi-foreground": "ansi_default"}
    return Theme(
        name=f"vq-{name}",
        primary=colours["key"],
        success=colours["ok"],
        warning=colours["warn"],
        error=colours["down"],
        foreground=colours["foreground"],
        background=colours["background"],
        surface=colours["background"],
        panel=colours["background"],
        boost=colours["background"],
        dark=bool(data.get("dark", True)),
        ansi=bool(data.get("ansi", False)),
        variables=variables,
    )


def fitting(name: str, *, colours: int, no_colour: bool) -> str:
    """The theme to use instead of `name` on a terminal with this many colours, or where NO_COLOR asks for none."""
    if no_colour:
        return "mono"
    return str(_data(name).get("sixteen", name)) if colours <= 16 else name


def _data(name: str) -> dict[str, dict[str, str]]:
    path = FOLDER / f"{name}.toml"
    if name not in names():
        raise ConfigError(f"console.theme: no theme '{name}'; there are: {', '.join(names())}")
    return tomllib.loads(path.read_text(encoding="utf-8"))
