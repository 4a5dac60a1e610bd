"""Deciding on a rollback: an offer kept fresh, a reason, one request, bound by the digest of the plan on show."""

from collections.abc import Sequence

from actions.desk.waiting import unwritable
from actions.model.errors import Busy, LedgerError, VqError
from actions.model.identity import new_id, short_id
from actions.model.plan import Level, Plan, RollbackOffer, RollbackRequest
from actions.model.record import Submitted
from actions.model.run import Run
from screens.cells import BLANK, Row, indent
from screens.desk_protocol import operator_of
from screens.page import Page
from screens.plan_differences import plan_differences
from screens.registry import Action
from screens.rollback_rows import Decision, doubts, fitting_rows, waiting_rows
from screens.scene import Scene
from screens.steers import carried_out
from screens.words import ago, since
from screens.working import one_line

MARGIN = 2
ELSEWHERE = frozenset({"all.roll-back", "all.history", "all.drill"})


class DecisionPage(Page):
    """What the emergency screen and the chosen-version screen share: offer, reason, submit once."""

    LEVEL = Level.EMERGENCY

    def __init__(self, service: str | None = None, to: str | None = None) -> None:
        super().__init__()
        self.service, self.to = service, to
        self.offer: RollbackOffer | None = None
        self.holder: Run | None = None
        self.reason: str | None = None
        self.accepted = False
        self.problem = ""
        self.refused = ""
        self.unread = ""
        self.unrecorded = False
        self.sent = False
        self.started = ""
        self._key = new_id()
        self._asking = False
        self._sent_at = 0.0

    def request(self, reason: str) -> RollbackRequest:
        """What would be asked for; its key makes a double press one run."""
        return RollbackRequest(
            environment=self.shell.identity.name, service=self.service, to=self.to, level=self.LEVEL,
            reason=reason, key=self._key, accept_drift=self.accepted,
        )  # fmt: skip

    def words(self) -> str:
        """The reason: written by hand, else what the evidence says."""
        if self.reason is not None:
            return self.reason
        return self.offer.evidence if self.offer else ""

    def tail(self) -> tuple[str, ...]:
        scene = self.shell.scene
        known = scene.asked and "runs" not in scene.errors
        lock = "lock not known" if not known else "lock free" if scene.active is None else ""
        return (lock, self._age(), *super().tail()[-1:])

    def _age(self) -> str:
        age = since(self.offer.readiness.at, self.shell.clock.now()) if self.offer else None
        return "" if age is None else f"facts {ago(age)} old"

    def on_mount(self) -> None:
        """Ask for the plan; an executor loads meanwhile."""
        self.look()
        if not self.shell.identity.read_only:
            self.fetch(operator_of(self.shell.desk).prepare(), lambda _: None, "prepare")

    def look(self) -> None:
        """Plan anew from fresh facts; what was shown is void."""
        self.offer, self.challenge, self.problem, self.refused, self.sent = None, None, "", "", False
        self._ask()
        self.repaint()

    def _ask(self) -> None:
        self._asking = True
        self.fetch(self._offer(), lambda found: self.offered(*found), "offer")

    async def _offer(self) -> tuple[RollbackOffer, Run | None]:
        """The offer, and the rollback that is carried out already."""
        desk = self.shell.desk
        return await desk.offer(self.request(self.reason or "")), await carried_out(desk, self.shell.scene.active)

    def scene_changed(self, scene: Scene) -> None:
        """What is decided on is as fresh as what is watched."""
        if not self._asking and not self.sent:
            self._ask()
        super().scene_changed(scene)

    def offered(self, offer: RollbackOffer, holder: Run | None) -> None:
        """A plan came, or the reason why there is none. Another plan than the one on show needs another key."""
        before, self.offer = self.offer, offer
        held, self.holder = self.holder is not None, holder
        self._asking, self.unread = False, ""
        self.unrecorded = unwritable(offer) or (self.unrecorded and bool(self.refused))
        if self.sent:
            return
        same = before is not None and _same(before.plan, offer.plan)
        if not same or held is not (holder is not None):
            self.problem = _problem(offer)
            self.challenge, self.refused = None, ""
            self.planned()
            if not same and before is not None and before.plan is not None and offer.plan is not None:
                what = plan_differences(before.plan, offer.plan)
                self.say(f"the plan changed ({what}): read it again; the key is a new one", "warn")
            self.refresh_bindings()
        elif offer.plan is None:
            self.problem = _problem(offer)
        self.repaint()

    def planned(self) -> None:
        """What follows once the offer is there."""

    def failed(self, group: str, error: BaseException) -> None:
        if group == "offer":
            self._asking = False
            if self.offer is None:
                self.problem, self.unrecorded = str(error), isinstance(error, LedgerError)
            else:
                self.unread = str(error)
            self.repaint()
            return
        self.sent = False
        if group == "act":
            self._not_started(error)
            return
        super().failed(group, error)

    def _not_started(self, error: BaseException) -> None:
        """What was asked for was refused: said where it was asked, and on whatever page is looked at instead."""
        self.refused, self.challenge, self.unrecorded = one_line(error), None, isinstance(error, LedgerError)
        attach = self.key("all.attach")
        if not isinstance(error, VqError):
            self.refused += f"; whether a run was recorded is not known: where there is one, {attach} goes there"
        elif isinstance(error, Busy) and error.run_id:
            self.refused += f"; {attach} goes there"
        if not self.is_seen:
            lead = "the rollback was NOT started: " if isinstance(error, VqError) else "the rollback: "
            self.shell.say(lead + self.refused, "down")
        self.planned()
        self.refresh_bindings()
        self.repaint()

    def submit(self) -> None:
        """Ask for the run, once."""
        if self.sent or self.offer is None or self.offer.plan is None:
            return
        operator = self.shell.operator
        self.sent, self._sent_at = True, self.shell.clock.monotonic()
        self.challenge = None
        plan = self.offer.plan.model_copy(update={"reason": self.reason or self.offer.plan.reason})
        self.act(operator.submit(self.request(plan.reason), plan.digest), self.submitted)
        self.repaint()

    def submitted(self, answer: Submitted) -> None:
        """Go to the run; when somebody was faster, say whose screen this is. No page is taken from under the eyes."""
        self.started, seen = answer.run_id, self.is_seen
        if seen:
            self._to_run()
        words = [] if seen else ["the rollback has started"]
        if not answer.created:
            how = "had lost its executor and goes on" if answer.resumed else "was already under way"
            words = [f"this rollback {how}" + (": this screen is attached to it" if seen else "")]
        elif answer.took_over:
            words.append(f"took the environment over from {answer.took_over}")
        if not seen:
            words.append(f"{self.key('all.attach')} attaches to run {short_id(answer.run_id)}")
        if words:
            self.shell.say("; ".join(words), "warn")

    def _to_run(self) -> None:
        self.shell.replace("screens.run:RunPage", self.started)

    def on_screen_resume(self) -> None:
        """Seen again after the run has started: there is nothing to decide here any more."""
        if self.started:
            self._to_run()

    @property
    def in_the_way(self) -> Run | None:
        """The forward run that has to leave first."""
        active = self.shell.scene.active
        return None if active is None or active.procedure == "rollback" else active

    def waiting(self, width: int) -> list[Row]:
        """What is waited for since it was asked for."""
        from actions.desk.hand_over import HAND_OVER_SECONDS

        passed = self.shell.clock.monotonic() - self._sent_at
        return waiting_rows(self.in_the_way, passed, HAND_OVER_SECONDS, width)

    def first(self) -> str:
        """What has to happen before anything moves; empty where nothing has to."""
        run = self.in_the_way
        if run is None:
            return ""
        return (
            f"{run.procedure} {short_id(run.id)[-3:]} of {run.operator} holds the environment: it is told to back out"
        )

    def decision(self) -> Decision:
        """What the rows are drawn from."""
        scene = self.shell.scene
        keys = {action.method: self.key(action.id) for action in self.actions_now()}
        return Decision(
            self.offer,
            scene.way(self.service),
            scene.snapshot,
            self.shell.clock.now(),
            self.words(),
            keys,
            self.unread,
            self.first(),
            self.accepted,
        )

    def body(self, width: int, height: int) -> Sequence[Row]:
        inner = width - 2 * MARGIN
        ending = self.ending(width)
        low = height - len(ending)
        rows = [BLANK, *indent(fitting_rows(self.decision(), inner, low - 1), MARGIN)]
        return [*rows, *[BLANK] * (len(rows) + 1 < low), *ending]

    def ending(self, width: int) -> list[Row]:
        """The question, or why there is none; always on the screen."""
        raise NotImplementedError

    def way_out(self) -> str:
        """How to roll back all the same while no run can be recorded; empty when that is not the reason."""
        if not self.unrecorded or self.shell.identity.read_only:
            return ""
        service = self.service if len(self.shell.desk.rollback_services) > 1 else None
        return f"in an emergency: {self.shell.desk.glass_command(service, self.to)}"

    def tells_trouble(self) -> bool:
        return self.shell.scene.trouble in self.problem + self.refused

    def action_reason(self) -> None:
        """Write the reason by hand."""
        self.ask_text("reason", self.words(), self._reason_written, replacing=True)

    def _reason_written(self, text: str) -> None:
        self.reason = text or None
        self.after_reason()
        self.repaint()

    def after_reason(self) -> None:
        """A question that was hidden by the entry line is asked again."""
        if self.challenge is not None:
            self.challenge.rearm()

    def action_accept_drift(self) -> None:
        """Ask again, drift accepted: another plan, which says what is replaced, and so another key."""
        if self.offer is not None:
            self.accepted = True
            self.look()

    def accepting(self) -> str:
        """How drift is accepted, ahead of other advice; empty where it is not what refuses, or may not be."""
        drifted = next((one for one in self.actions_now() if one.method == "accept_drift"), None)
        return f"{self.key(drifted.id)} accepts that and asks anew, " if drifted else ""

    def action_plan(self) -> None:
        """Every step, and every check that does not pass."""
        if self.offer is not None:
            self.shell.open("screens.plan:PlanPage", self.offer.plan, self.offer.readiness.checks)

    def possible(self, action: Action) -> bool:
        if action.id in ELSEWHERE:
            return False
        if action.method == "plan":
            return self.offer is not None and (self.offer.plan is not None or bool(doubts(self.offer.readiness.checks)))
        if action.method == "accept_drift":
            return self.offer is not None and bool(self.offer.drift) and not self.sent and self.holder is None
        if action.method == "reason":
            return self.offer is not None and not self.sent
        return action.scope != "list"


def _problem(offer: RollbackOffer) -> str:
    """Why there is no plan; empty when there is one."""
    return "" if offer.plan else offer.drift or offer.refusal or "no plan could be made"


def _same(one: Plan | None, other: Plan | None) -> bool:
    """Whether two plans are one decision: the reason and the estimate may follow what is measured."""
    if one is None or other is None:
        return one is other
    loose = {"reason": "", "expected_seconds": 0.0}
    return one.model_copy(update=loose).digest == other.model_copy(update=loose).digest
