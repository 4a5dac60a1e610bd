"""Reading runs: the history in pages, one run with its journal, and what past runs took."""

from pathlib import Path

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, func, select

from actions.ledger.rows import command_from, event_from, gate_from, run_from
from actions.ledger.store import Store
from actions.ledger.stored import from_text, plan_from
from actions.ledger.tables import ACTIVE, command, event, gate, plan, run
from actions.model.errors import UnknownNameError
from actions.model.plan import Plan, RollbackRequest
from actions.model.record import CommandRow, GateRow, RunPage, RunQuery
from actions.model.run import Event, Run, RunView, fold
from actions.model.text import clean
from actions.model.words import RunState

_PENDING = (
    select(command).where(command.c.run_id == bindparam("run_id"), command.c.taken_at.is_(None)).order_by(command.c.id)
)
_SEARCH_LIMIT = 100
_PAGE_LIMIT = 1_000
_VIEWS = 3


class HistoryReading(Store):
    """The reading of runs."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._views: dict[str, RunView] = {}
        """The views that were asked for last: the next one reads and folds new events only."""

    def find(self, name: str) -> str:
        """The full id of the run with this id or unique ending. Raises UnknownNameError."""
        wanted = clean(name).strip().upper()
        if not wanted:
            raise UnknownNameError("no run is named; give its id or the last characters of it")
        with self._read() as connection:
            exact = connection.execute(select(run.c.id).where(run.c.id.in_([wanted, name]))).scalars().first()
            if exact is not None:
                return str(exact)
            ending = run.c.id.endswith(wanted, autoescape=True)
            rows = connection.execute(select(run.c.id).where(ending).order_by(run.c.number.desc()).limit(3)).scalars()
            found: list[str] = list(rows)
        if not found:
            raise UnknownNameError(f"no run '{clean(name, limit=60)}'; 'vq-tui runs' lists them")
        if len(found) > 1:
            raise UnknownNameError(f"several runs end in '{wanted}': {', '.join(found)}; give more characters")
        return found[0]

    def has_run(self, run_id: str) -> bool:
        """Whether that run stands here."""
        with self._read() as connection:
            return connection.execute(select(run.c.id).where(run.c.id == run_id)).first() is not None

    def run(self, run_id: str) -> Run:
        """One run. Raises UnknownNameError."""
        with self._read() as connection:
            return _run(connection, run_id)

    def plan(self, run_id: str) -> Plan:
        """The plan exactly as it was approved. Raises LedgerError when the stored plan is not the approved one."""
        with self._read() as connection:
            row = self._plan_row(connection.execute(select(plan).where(plan.c.run_id == run_id)).one_or_none(), run_id)
            return plan_from(row.plan, row.digest, run_id)

    def request(self, run_id: str) -> RollbackRequest:
        """What the operator asked for."""
        with self._read() as connection:
            row = connection.execute(select(plan.c.request).where(plan.c.run_id == run_id)).one_or_none()
            return from_text(RollbackRequest, self._plan_row(row, run_id).request)

    def config_path(self, run_id: str) -> Path:
        """The configuration file the run was planned from."""
        with self._read() as connection:
            row = connection.execute(select(plan.c.config_path).where(plan.c.run_id == run_id)).one_or_none()
            return Path(self._plan_row(row, run_id).config_path)

    @staticmethod
    def _plan_row(row, run_id: str):  # type: ignore[no-untyped-def]
        if row is None:
            raise UnknownNameError(f"no plan of a run '{clean(run_id, limit=60)}'; 'vq-tui runs' lists the runs")
        return row

    def events(self, run_id: str, after: int = 0) -> tuple[Event, ...]:
        """The run's journal in order, from the event after sequence number `after`."""
        with self._read() as connection:
            return _events(connection, run_id, after)

    def view(self, run_id: str) -> RunView:
        """The run folded from its journal: what every console shows. State and events are of one moment."""
        known = self._views.pop(run_id, None)
        plan = self.plan(run_id) if known is None else known.plan
        with self._read() as connection:
            run, after = _run(connection, run_id), known.events[-1].seq - 1 if known and known.events else 0
            events = _events(connection, run_id, after)
        if known is None or events[:1] != known.events[-1:]:
            view = fold(run, plan, events)
        else:
            view = known.advance(run, events[1:])
        self._views[run_id] = view
        for old in list(self._views)[:-_VIEWS]:
            self._views.pop(old, None)
        return view

    def runs(self, query: RunQuery) -> RunPage:
        """One page of the history, newest first by order of arrival."""
        where = _conditions(query)
        page: Select[tuple[int]] = select(run.c.number).where(*where)
        with self._read() as connection:
            total = connection.execute(select(func.count()).select_from(run).where(*where)).scalar_one()
            if query.before is not None:
                page = page.where(run.c.number < select(run.c.number).where(run.c.id == query.before).scalar_subquery())
            if query.upto is not None:
                page = page.where(run.c.number <= select(run.c.number).where(run.c.id == query.upto).scalar_subquery())
            page = page.order_by(run.c.number.desc()).offset(max(0, query.offset))
            page = page.limit(max(0, min(query.limit, _PAGE_LIMIT)))
            rows = connection.execute(
                select(run).where(run.c.number.in_(page.scalar_subquery())).order_by(run.c.number.desc())
            ).mappings()
            return RunPage(runs=tuple(run_from(row) for row in rows), total=total)

    def active(self, environment: str) -> Run | None:
        """The newest run that still holds a target of this environment."""
        with self._read() as connection:
            rows = connection.execute(select(run).where(ACTIVE)).mappings().all()
            here = [row for row in rows if row["environment"] == environment]
            return run_from(max(here, key=lambda row: int(row["number"]))) if here else None

    def active_on(self, target: str) -> Run | None:
        """The run that holds this target."""
        with self._read() as connection:
            row = connection.execute(select(run).where(run.c.target == target, ACTIVE)).mappings().one_or_none()
            return None if row is None else run_from(row)

    def past_seconds(
        self, environment: str, service: str, procedure: str = "rollback", limit: int = 20
    ) -> tuple[float, ...]:
        """Seconds that past runs took which succeeded, newest first; not those whose executor died in between."""
        with self._read() as connection:
            rows = connection.execute(
                select(run.c.seconds)
                .where(
                    and_(run.c.environment == environment, run.c.service == service, run.c.procedure == procedure),
                    run.c.state == RunState.SUCCEEDED.value,
                    run.c.seconds.is_not(None),
                    run.c.several_executors.is_(False),
                )
                .order_by(run.c.number.desc())
                .limit(limit)
            ).scalars()
            return tuple(float(one) for one in rows if one is not None)

    def gates(self, run_id: str) -> tuple[GateRow, ...]:
        """Questions the run asked, oldest first."""
        with self._read() as connection:
            rows = connection.execute(select(gate).where(gate.c.run_id == run_id).order_by(gate.c.opened_at)).mappings()
            return tuple(gate_from(row) for row in rows)

    def pending_commands(self, run_id: str) -> tuple[CommandRow, ...]:
        """What the run was told and its executor has not taken yet, oldest first."""
        with self._read() as connection:
            rows = connection.execute(_PENDING, {"run_id": run_id}).mappings()
            return tuple(command_from(row) for row in rows)


def _run(connection: Connection, run_id: str) -> Run:
    row = connection.execute(select(run).where(run.c.id == run_id)).mappings().one_or_none()
    if row is None:
        raise UnknownNameError(f"no run '{clean(run_id, limit=60)}'; 'vq-tui runs' lists them")
    return run_from(row)


def _events(connection: Connection, run_id: str, after: int = 0) -> tuple[Event, ...]:
    later = select(event).where(event.c.run_id == run_id, event.c.seq > after).order_by(event.c.seq)
    return tuple(event_from(row) for row in connection.execute(later).mappings())


def _conditions(query: RunQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if query.environment is not None:
        found.append(run.c.environment == query.environment)
    if query.procedure is not None:
        found.append(run.c.procedure == query.procedure)
    if query.states:
        found.append(run.c.state.in_(query.states))
    if query.drill is not None:
        found.append(run.c.drill.is_(query.drill))
    found += [
        run.c.search.contains(word, autoescape=True) for word in clean(query.text).lower()[:_SEARCH_LIMIT].split()[:5]
    ]
    return found
