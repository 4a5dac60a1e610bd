"""Every action of the console: feeds bindings, footer, help, palette, keymap and the read-only test (rule 10)."""

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from textual.binding import Binding, BindingType


class Level(IntEnum):
    """How far an action reaches, and so how it is confirmed (rule 1)."""

    LOOK = 0
    REVERSIBLE = 1  # one key; the same key takes it back
    EMERGENCY = 2  # a challenge key drawn on the screen
    FORWARD = 3  # the object's name typed, then a challenge key


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do. `key` empty: drawn on the screen. `foot` orders the footer; 0 keeps it out of it."""

    id: str
    verb: str
    key: str
    help: str
    level: Level = Level.LOOK
    writes: bool = False
    foot: int = 0
    fixed: bool = False

    @property
    def scope(self) -> str:
        """The screen it belongs to; `all` for every screen, `list` for whatever moves."""
        return self.id.partition(".")[0]

    @property
    def method(self) -> str:
        """Name of the Textual action."""
        return self.id.partition(".")[2].replace("-", "_")


_L1, _L2, _L3 = Level.REVERSIBLE, Level.EMERGENCY, Level.FORWARD
ACTIONS: tuple[Action, ...] = (
    Action("all.roll-back", "roll back", "R", "emergency rollback: shows the plan, then asks", _L2, foot=10),
    Action("all.history", "history", "H", "every run there was, with filter and detail", foot=20),
    Action("all.drill", "drill", "D", "rehearse: scenarios, clock and score", foot=30),
    Action("all.attach", "attach", "g", "go to the run under way", foot=5),
    Action("all.palette", "go", ":", "jump to a place or run an action by name", foot=90),
    Action("all.help", "keys", "?", "the keys that work here and now", foot=91),
    Action("all.leave", "leave", "escape", "one step back; nothing that runs is stopped", foot=1),
    Action("all.copy", "copy", "y", "send what is shown to the terminal's clipboard (OSC 52)"),
    Action("all.write", "write to a file", "w", "write what is shown, with its evidence, to a file"),
    Action("all.quit", "leave the console", "ctrl+q", "close this console; runs go on without it", fixed=True),
    Action("list.up", "up", "up", "one line up"),
    Action("list.down", "down", "down", "one line down"),
    Action("list.page-up", "page up", "pageup", "one page up"),
    Action("list.page-down", "page down", "pagedown", "one page down"),
    Action("list.first", "first", "home", "to the first line"),
    Action("list.last", "last", "end", "to the last line"),
    Action("list.open", "open", "enter", "open the line under the pointer; of a service, its log whole"),
    Action("home.jump", "jump", "f", "a letter on every place to go to: press it to go there", foot=80),
    Action("home.keeper", "start keeper", "K", "start the keeper that observes while no console is open", _L1, True),
    Action("home.quit", "quit", "q", "close this console; runs go on without it", foot=92),
    Action("rollback.other", "other version", "v", "choose another release; its name is then typed", _L3, True, 10),
    Action("rollback.reason", "reason", "r", "write the reason yourself", _L1, True, 20),
    Action(
        "rollback.plan", "full plan", "f", "every step with its budget and way back; what is not sure, whole", foot=30
    ),
    Action("rollback.again", "look again", "u", "read the facts again and plan anew", foot=40),
    Action(
        "rollback.accept-drift",
        "accept drift",
        "d",
        "replace what was edited by hand: plans anew, then asks",
        _L2,
        True,
        5,
    ),
    Action("rollback.confirm", "confirm", "", "the challenge key drawn on the screen starts the rollback", _L2, True),
    Action("chosen.type", "type the release", "t", "type the release's name; paste is refused", _L3, True, 10),
    Action("chosen.reason", "reason", "r", "write the reason yourself", _L1, True, 20),
    Action(
        "chosen.plan", "full plan", "f", "every step with its budget and way back; what is not sure, whole", foot=30
    ),
    Action(
        "chosen.accept-drift",
        "accept drift",
        "d",
        "replace what was edited by hand: plans anew, then asks",
        _L3,
        True,
        5,
    ),
    Action("chosen.confirm", "confirm", "", "the challenge key, once the name is typed, starts it", _L3, True),
    Action("run.pause", "pause", "p", "pause before the next step; the same key goes on", _L1, True, 10),
    Action("run.back-out", "back out", "b", "undo what was done, in reverse order; asks", _L2, True, 20),
    Action("run.abort", "abort", "a", "stop; possible only while nothing was changed; asks", _L2, True, 30),
    Action("run.carry-on", "carry on", "c", "start an executor again where the last one stopped; asks", _L2, True, 15),
    Action("run.take-over", "take over", "t", "become the owner of this run; asks", _L2, True, 35),
    Action(
        "run.end-executor", "end executor", "T", "end an executor that does not move, and carry on; asks", _L2, True, 16
    ),
    Action("run.close", "close", "x", "end a run that was put right by hand: what was done, then asks", _L2, True, 18),
    Action("run.note", "note", "n", "add a line to the journal", _L1, True, 40),
    Action(
        "run.answer", "answer", "", "answer the question this run asks by its number, then by the drawn key", _L2, True
    ),
    Action("run.detach", "detach", "d", "leave this screen; the run goes on", foot=50),
    Action("service.filter", "filter", "/", "show only log lines that contain these words", foot=10),
    Action("service.next", "next instance", "tab", "the log of the next instance", foot=20),
    Action("service.figures", "figures", "i", "every figure, to scroll through; the same key goes back", foot=30),
    Action("history.filter", "filter", "/", "words, or state:failed, drill:yes, procedure:rollback", foot=10),
    Action("drill.start", "start", "s", "inject the fault of this scenario and start the clock; asks", _L2, True, 10),
    Action("drill.end", "end drill", "x", "mend the fault and end this drill; asks", _L2, True, 20),
    Action("releases.filter", "filter", "/", "show only releases that contain these words", foot=10),
    Action("reading.filter", "filter", "/", "show only lines that contain these words", foot=10),
)
PROTECTED = frozenset({"all.roll-back", "all.leave", "all.quit"})
"""What a keymap may move but never hide."""


def find(action_id: str) -> Action:
    """The action of that id. Raises KeyError."""
    return _BY_ID[action_id]


_BY_ID = {action.id: action for action in ACTIONS}


@lru_cache(maxsize=32)
def of(*scopes: str) -> tuple[Action, ...]:
    """The actions of these scopes, in the order of the registry."""
    return tuple(action for action in ACTIONS if action.scope in scopes)


def bindings(*scopes: str) -> list[BindingType]:
    """Textual bindings of these scopes, each with its id, so that a keymap can move it."""
    return [
        Binding(
            action.key,
            f"screen.{action.method}",
            action.verb,
            show=False,
            id=action.id,
            tooltip=action.help,
            priority=action.fixed,
        )
        for action in of(*scopes)
        if action.key
    ]
