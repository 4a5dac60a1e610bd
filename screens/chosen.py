"""Rollback to a chosen version: its name is typed by hand, then a challenge key confirms. Enter never does."""

from actions.model.plan import Level
from screens.cells import Row, row
from screens.deciding import DecisionPage
from screens.registry import Action, bindings
from screens.rollback_rows import attach_rows, framed, refusal_rows


class ChosenPage(DecisionPage):
    """Nothing has the focus until `t` is pressed: the safe answer is to leave."""

    SCOPE = "chosen"
    BINDINGS = bindings("chosen")
    LEVEL = Level.MANUAL

    def __init__(self, service: str, to: str) -> None:
        super().__init__(service, to)
        self.typed = False

    def heading(self) -> tuple[str, ...]:
        return (f"rollback to {self.to}",)

    def planned(self) -> None:
        """Another plan, or a refusal: the name is typed again."""
        self.typed = False

    def confirmed(self) -> None:
        """The challenge key was pressed, after the name was typed."""
        if self.typed:
            self.submit()

    def action_type(self) -> None:
        """Type the release's name."""
        self.refused = ""
        self.ask_text(f"type {self.to}", "", lambda _: None, typed_only=True, changed=self._typing, enter=False)

    def _typing(self, text: str) -> None:
        if self.offer is None or self.offer.plan is None or text != self.offer.plan.to_version:
            return
        self.typed = True
        self._close_entry()
        self.draw_challenge()
        self.refresh_bindings()
        self.repaint()

    def after_reason(self) -> None:
        """The reason is part of the plan: plan anew, and type again."""
        self.typed = False
        self.look()

    def possible(self, action: Action) -> bool:
        ready = self.offer is not None and self.offer.plan is not None and not self.sent and self.holder is None
        if action.id == "chosen.type":
            return ready and not self.typed and bool(self.words()) and not self.shell.identity.read_only
        if action.id == "chosen.confirm":
            return ready and self.typed
        return super().possible(action)

    def ending(self, width: int) -> list[Row]:
        """Type the name, then press the key."""
        name, leave = self.shell.identity.name, self.key("all.leave")
        if self.sent:
            return self.waiting(width)
        if self.refused:
            back = self.key("chosen.type")
            advice = f"{back} types {self.to} again and asks anew, {leave} goes back"
            return refusal_rows(self.refused, advice, width, self.way_out())
        if self.holder is not None:
            return attach_rows(self.holder, self.key("all.attach"), width)
        if self.problem:
            advice = f"{self.accepting()}{leave} goes back to the releases; nothing was touched"
            return refusal_rows(self.problem, advice, width, self.way_out())
        if self.offer is None:
            return framed(row(("planning from fresh facts", "dim")), width)
        if not self.words():
            return framed(row((self.key("chosen.reason"), "key"), (" writes the reason first", "bright")), width)
        if self.challenge is not None:
            return framed(
                row(
                    "typed.  press ",
                    (f" {self.challenge.key} ", "badge"),
                    (f" to roll back {name} to {self.to}", "bright bold"),
                ),
                width,
            )
        return framed(
            row(
                (self.key("chosen.type"), "key"),
                (f" then type {self.to}", "bright bold"),
                (f"    {leave} leaves", "dim"),
            ),
            width,
        )
