"""What would keep the console from opening with this configuration: keys and theme, by the console's own rules."""

from typing import TYPE_CHECKING

from actions.model.errors import ConfigError
from actions.model.health import Check
from actions.model.words import Gate

if TYPE_CHECKING:
    from actions.model.environment import Settings


def console_problems(settings: "Settings") -> list[str]:
    """One line for each thing that is wrong; the keymap names its first."""
    from screens import theme
    from screens.keymap import effective

    problems = []
    for look in (lambda: effective(settings.console.keys), lambda: theme.load(settings.console.theme)):
        try:
            look()
        except ConfigError as error:
            problems.append(error.message)
    return problems


def console_check(settings: "Settings") -> Check:
    """The same as a check of `doctor`."""
    problems = console_problems(settings)
    if problems:
        advice = "mend [console] in the configuration: until then the console does not open as configured"
        return Check(id="console", title="keys and theme", gate=Gate.FAIL, evidence="; ".join(problems), advice=advice)
    moved = f"{len(settings.console.keys)} keys moved" if settings.console.keys else "the usual keys"
    evidence = f"{moved}, theme {settings.console.theme}"
    return Check(id="console", title="keys and theme", gate=Gate.PASS, evidence=evidence)
