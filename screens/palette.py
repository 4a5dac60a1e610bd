"""The palette: jump to a place, or run an action by name; only what is allowed now (rule 5)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from textual.fuzzy import FuzzySearch

from actions.model.identity import short_id
from screens import theme
from screens.cells import BLANK, Row, ends, fit, row
from screens.home_rows import route
from screens.keymap import shown
from screens.page import Page
from screens.picker import PickerPage
from screens.registry import Action

_FUZZY = FuzzySearch()
NOT_BY_NAME = frozenset({"all.palette", "all.help", "all.leave"})


@dataclass(frozen=True)
class Offer:
    """One line of the palette."""

    words: str
    help: str
    key: str
    run: Callable[[], object]


def _score(words: Sequence[str], text: str) -> float:
    """How well all words match; 0 where one does not. Whole words first, and of these a start of the text."""
    text = text.lower()
    scores = [
        (2000.0 if text.startswith(word) else 1000.0) if word in text else _FUZZY.match(word, text)[0] for word in words
    ]
    return sum(scores) if all(scores) else 0.0


class PalettePage(PickerPage):
    """Typing narrows the list; Enter takes the line under the pointer."""

    SCOPE = "reading"
    OPENS_TYPING = True

    def __init__(self, origin: Page) -> None:
        super().__init__()
        self.origin = origin
        self.words = ""
        self._offers: list[Offer] | None = None

    def on_mount(self) -> None:
        """Keys go into the entry line at once."""
        self._ask()

    def _ask(self) -> None:
        self.ask_text(":", self.words, self._entered, changed=self._typed)

    def heading(self) -> tuple[str, ...]:
        return ("go",)

    def offers(self) -> list[Offer]:
        """Everything that is allowed now, on the page below."""
        if self._offers is None:
            self._offers = [*self._actions(), *self._places(), *self._themes()]
        return self._offers

    def _actions(self) -> list[Offer]:
        return [
            Offer(action.verb, action.help, shown(self.shell.keys[action.id]), partial(self._run, action))
            for action in self.origin.actions_now()
            if action.key and action.scope != "list" and action.id not in NOT_BY_NAME
        ]

    def _places(self) -> list[Offer]:
        scene, go = self.shell.scene, self.shell.open
        places = [Offer("home", "the first screen", "", self.shell.go_home)]
        for health in scene.snapshot.services if scene.snapshot else ():
            name = health.service
            places.append(
                Offer(f"service {name}", health.summary, "", partial(go, "screens.service:ServicePage", name))
            )
            if self._managed(name):
                there = partial(go, "screens.releases:ReleasesPage", name)
                places.append(Offer(f"releases {name}", "what could be gone back to", "", there))
        places += [
            Offer(f"run {short_id(run.id)}", route(run), "", partial(go, "screens.run:RunPage", run.id))
            for run in (scene.active, scene.last)
            if run is not None
        ]
        return places

    def _managed(self, service: str) -> bool:
        settings = self.shell.desk.environment.services.get(service)
        return bool(getattr(settings, "workload", None) or getattr(settings, "slots", None))

    def _themes(self) -> list[Offer]:
        words = "colours, until this console is closed"
        return [Offer(f"theme {name}", words, "", partial(self.shell.change_theme, name)) for name in theme.names()]

    def matching(self) -> list[Offer]:
        """What the words name, the best match first: letters in their order, as in `rlb` for `roll back`.

        A word that stands whole in the name beats letters that are strewn over it; the help counts where no name fits.
        """
        words = self.words.lower().split()
        if not words:
            return self.offers()
        by_name = {offer: _score(words, offer.words) for offer in self.offers()}
        by_help = {offer: _score(words, offer.help) for offer in self.offers()}
        scores = by_name if any(by_name.values()) else by_help
        return sorted((offer for offer, score in scores.items() if score), key=lambda offer: -scores[offer])

    def count(self) -> int:
        return len(self.matching())

    def empty(self) -> str:
        return "nothing by that name is possible here and now"

    def entry(self, index: int, width: int) -> Row:
        offer = self.matching()[index]
        left = row((f" {fit(offer.words, 24)}", "bright"), (offer.help, "dim"))
        return ends(left, row((fit(offer.key, 7, right=True), "key")), width)

    def above(self, width: int) -> list[Row]:
        return [BLANK]

    def _typed(self, words: str) -> None:
        self.words, self.at = words, 0
        self.repaint()

    def _entered(self, _: str) -> None:
        found = self.matching()
        if not found:
            self._ask()
            return
        chosen = found[max(0, min(self.at, len(found) - 1))]
        self.shell.back()
        self.call_later(chosen.run)

    def action_leave(self) -> None:
        """One key closes it."""
        self.stop_asking()
        self.shell.back()

    def _run(self, action: Action) -> None:
        """As if its key had been pressed on the page below; what is not allowed there stays so."""
        self.shell.call_later(self.origin.run_action, f"screen.{action.method}")
