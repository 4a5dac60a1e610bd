"""Emergency rollback: one screen, one decision. The plan shown is the plan that runs, bound by its digest."""

from screens.cells import Row, row
from screens.deciding import DecisionPage
from screens.registry import Action, bindings
from screens.rollback_rows import attach_rows, framed, refusal_rows


class RollbackPage(DecisionPage):
    """Last known good, confirmed by a challenge key."""

    SCOPE = "rollback"
    BINDINGS = bindings("rollback")

    def heading(self) -> tuple[str, ...]:
        return (f"emergency rollback of {self.service}" if self.service else "emergency rollback",)

    def planned(self) -> None:
        ready = self.offer is not None and self.offer.plan is not None and not self.refused
        if ready and self.holder is None and not self.shell.identity.read_only:
            self.draw_challenge()

    def confirmed(self) -> None:
        """The challenge key was pressed."""
        self.submit()

    def action_other(self) -> None:
        """Another version: its name is then typed."""
        service = self._moved()
        if service is not None:
            self.shell.open("screens.releases:ReleasesPage", service)

    def _moved(self) -> str | None:
        """The service this is about, as far as that can be told without an offer."""
        if self.offer is not None:
            return self.offer.readiness.service
        only = self.shell.desk.rollback_services
        return self.service or (only[0] if len(only) == 1 else None)

    def action_again(self) -> None:
        """Look at the facts again; drift that was accepted is accepted again by its key."""
        self.accepted = False
        self.look()

    def possible(self, action: Action) -> bool:
        if action.id == "rollback.confirm":
            return self.challenge is not None and not self.sent
        if action.id == "rollback.again" and self.sent:
            return False
        if action.id == "rollback.other":
            return self._moved() is not None
        return super().possible(action)

    def ending(self, width: int) -> list[Row]:
        """The question, or why there is none."""
        name = self.shell.identity.name
        if self.sent:
            return self.waiting(width)
        again, leave = self.key("rollback.again"), self.key("all.leave")
        if self.refused:
            return refusal_rows(
                self.refused, f"{again} looks again and asks anew, {leave} leaves", width, self.way_out()
            )
        if self.holder is not None:
            return attach_rows(self.holder, self.key("all.attach"), width)
        if self.problem:
            other = f"{self.key('rollback.other')} chooses another version, " if self._moved() is not None else ""
            advice = f"{self.accepting()}{other}{again} looks again, {leave} leaves; nothing was touched"
            return refusal_rows(self.problem, advice, width, self.way_out())
        if self.offer is None:
            return framed(row(("planning from fresh facts", "dim")), width)
        if self.shell.identity.read_only:
            return framed(row(("READ-ONLY: this session cannot start it", "bright")), width)
        if self.challenge is None:
            return framed(row((again, "key"), (" looks at the facts and asks", "bright")), width)
        return framed(
            row("press ", (f" {self.challenge.key} ", "badge"), (f" to roll back {name}", "bright bold")), width
        )
