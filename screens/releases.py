"""Another version: every release that was seen, what became of it, and which of them could be gone back to."""

from actions.model.plan import Level, Release, RollbackOffer, RollbackRequest
from screens.cells import BLANK, Row, cut, ends, fit, row, wrap
from screens.glyphs import VERDICT
from screens.picker import PickerPage
from screens.pin_rows import pin_rows
from screens.registry import Action, bindings
from screens.rollback_rows import release_words
from screens.scene import Scene
from screens.words import ago, since
from screens.working import one_line


class ReleasesPage(PickerPage):
    """Releases, newest last seen first."""

    SCOPE = "releases"
    BINDINGS = bindings("releases")
    ABOVE = 2

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service
        self.releases: tuple[Release, ...] | None = None
        self.offer: RollbackOffer | None = None
        self.filter = ""
        self.problems: dict[str, str] = {}
        self._asking: set[str] = set()

    def about_service(self) -> str:
        return self.service

    def on_mount(self) -> None:
        """Ask for the list, and for what could be gone back to."""
        self.ask()

    def ask(self) -> None:
        """Ask anew for whatever no question is under way about."""
        desk = self.shell.desk
        request = RollbackRequest(environment=self.shell.identity.name, service=self.service, level=Level.MANUAL)
        for group, work, then in (
            ("releases", lambda: desk.releases(self.service), self._listed),
            ("others", lambda: desk.offer(request), self._offered),
        ):
            if group not in self._asking:
                self._asking.add(group)
                self.fetch(work(), then, group)  # type: ignore[arg-type]

    def scene_changed(self, scene: Scene) -> None:
        """What serves and what can be chosen is as fresh as what is watched."""
        self.ask()
        super().scene_changed(scene)

    def on_screen_resume(self) -> None:
        """Back from a page on which something may have been done."""
        self.ask()

    def _answered(self, group: str) -> None:
        self._asking.discard(group)
        self.problems.pop(group, None)
        self.refresh_bindings()
        self.repaint()

    def _listed(self, releases: tuple[Release, ...]) -> None:
        under = self.shown()[self.at] if self.at < self.count() else None
        self.releases = releases
        if under is not None:
            self.at = next((at for at, one in enumerate(self.shown()) if one.reference == under.reference), self.at)
        self._answered("releases")

    def _offered(self, offer: RollbackOffer) -> None:
        self.offer = offer
        self._answered("others")

    def failed(self, group: str, error: BaseException) -> None:
        """Said where its data would stand; what was known before stays, with the reason beside it."""
        if group not in self._asking:
            super().failed(group, error)
            return
        self._asking.discard(group)
        self.problems[group] = one_line(error)
        self.repaint()

    def heading(self) -> tuple[str, ...]:
        return (f"releases of {self.service}",)

    def shown(self) -> list[Release]:
        """The releases that match the filter."""
        return [
            one for one in self.releases or () if self.filter.lower() in f"{one.version} {one.verdict.value}".lower()
        ]

    def count(self) -> int:
        return len(self.shown())

    def empty(self) -> str:
        return self.problems.get("releases") or ("reading" if self.releases is None else "no release was ever seen")

    def above(self, width: int) -> list[Row]:
        names = "   " + fit("release", 14) + fit("verdict", 12) + fit("last seen", 11) + "why"
        return [BLANK, cut(row((names, "head")), width)]

    def entry(self, index: int, width: int) -> Row:
        one = self.shown()[index]
        glyph, role = VERDICT[one.verdict]
        age = ago(since(one.last_seen, self.shell.clock.now()))
        usable = self.choosable(one)
        line = row((f" {glyph} ", role), (fit(one.version, 14), "bright bold" if usable else "dim"))
        line += row((fit(one.verdict.value, 12), role), (fit(f"{age} ago", 11), "dim"))
        serving = self.serves(one)
        tail = row((" serving" if serving else " can be chosen" if usable else "", "bright" if serving else "ok"))
        return ends(line + row(release_words(one)), tail, width)

    def serves(self, release: Release) -> bool:
        """Whether it serves now, as far as that is known."""
        way = self.offer.readiness if self.offer else self.shell.scene.way(self.service)
        return way is not None and way.current is not None and way.current.reference == release.reference

    def choosable(self, release: Release) -> bool:
        """Whether planning offers this release; a bad one never is."""
        return self.offer is not None and any(one.reference == release.reference for one in self.targets(self.offer))

    @staticmethod
    def targets(offer: RollbackOffer) -> tuple[Release, ...]:
        """What an offer could lead to."""
        return (*((offer.readiness.to,) if offer.readiness.to else ()), *offer.others)

    def possible(self, action: Action) -> bool:
        if action.id == "all.roll-back":
            return False
        if action.id == "list.open":
            return not self.shell.identity.read_only and self.count() > 0
        return super().possible(action)

    def idle_note(self, width: int) -> Row:
        doubt = self.problems.get("others") or (self.problems.get("releases") if self.releases is not None else None)
        if doubt:
            unknown = "what could be gone back to is not known" if "others" in self.problems else "not read again"
            return cut(row((f"? {unknown}: ", "warn"), (doubt, "dim")), width)
        words = f"{self.key('list.open')} chooses; its name is then typed" if not self.shell.identity.read_only else ""
        return ends(row((f"filter {self.filter}" if self.filter else "", "dim")), row((words, "dim")), width)

    def below(self, width: int, height: int) -> list[Row]:
        shown = self.shown()
        if not shown or height < 4:
            return []
        one = shown[self.at]
        about = f"{one.version}  {one.reference}  first seen {one.first_seen:%Y-%m-%d %H:%M}Z"
        return [BLANK, *(row((line, "dim")) for line in wrap(about, width)), *self.pinned(width)]

    def pinned(self, width: int) -> list[Row]:
        """What keeps deploys on one release."""
        way = self.offer.readiness if self.offer else self.shell.scene.way(self.service)
        return [line for pin in (way.pins if way else ()) for line in pin_rows(pin, width)]

    def listed(self, height: int) -> int:
        return height - self.ABOVE - 4 - len(self.pinned(self.size.width))

    def opened(self, index: int) -> None:
        one = self.shown()[index]
        if self.choosable(one):
            self.shell.open("screens.chosen:ChosenPage", self.service, one.version)
        elif "others" in self.problems:
            self.say(f"what could be gone back to is not known: {self.problems['others']}", "warn")
        elif self.offer is None:
            self.say("still asking what could be gone back to", "dim")
        else:
            why = "it is live" if self.serves(one) else release_words(one)
            self.say(f"{one.version} cannot be gone back to: {why}", "warn")

    def action_filter(self) -> None:
        """Only releases with these words."""
        self.ask_text("filter", self.filter, self._filtered, changed=self._filtered)

    def _filtered(self, text: str) -> None:
        self.filter = text
        self.repaint()
