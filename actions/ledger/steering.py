"""What operators write: commands to a run, and answers to its questions."""

from collections.abc import Sequence

from sqlalchemy import insert, select, update

from actions.ledger.chain import append_event
from actions.ledger.effects import changed_anything
from actions.ledger.rows import gate_from
from actions.ledger.store import WritingStore
from actions.ledger.tables import command, gate, instant, now, run
from actions.model.errors import Refused, UnknownNameError, UsageError
from actions.model.identity import canonical_json, new_id, short_id
from actions.model.record import CommandRow, GateRow
from actions.model.run import EventKind
from actions.model.text import clean
from actions.model.words import Command, RunState


class Steering(WritingStore):
    """The writing of operators."""

    def command(self, run_id: str, what: Command, *, by: str, reason: str = "") -> CommandRow:
        """Tell a run something. Raises Refused when it has ended, or when an abort would leave a change behind."""
        at, by, reason = now(), clean(by), clean(reason)
        with self._write() as connection:
            state = connection.execute(select(run.c.state).where(run.c.id == run_id)).scalar_one_or_none()
            if state is None:
                raise UnknownNameError(f"no run '{clean(run_id, limit=60)}'; 'vq-tui runs' lists them")
            if what is not Command.NOTE and not RunState(state).active:
                raise Refused(f"run {short_id(run_id)} has ended ({state}); it takes no more commands")
            if what is Command.ABORT and changed_anything(connection, run_id):
                raise Refused(
                    f"run {short_id(run_id)} has already changed something; back it out instead of aborting it"
                )
            values = {"run_id": run_id, "command": what.value, "by": by, "reason": reason, "at": instant(at)}
            taken = instant(at) if what is Command.NOTE else None
            added = connection.execute(insert(command).values(**values, taken_at=taken)).inserted_primary_key
            body = {"command": what.value, "by": by, "reason": reason}
            append_event(connection, run_id, EventKind.COMMANDED, actor=by, body=body)
            if what is Command.NOTE:
                append_event(connection, run_id, EventKind.NOTE, actor=by, body={"text": reason})
        number = int(added[0]) if added else 0
        return CommandRow(id=number, run_id=run_id, command=what.value, by=by, reason=reason, at=at)

    def take_command(self, command_id: int) -> bool:
        """Whether the caller is the one who takes this command; nobody takes it twice."""
        with self._write() as connection:
            taken = connection.execute(
                update(command)
                .where(command.c.id == command_id, command.c.taken_at.is_(None))
                .values(taken_at=instant(now()))
            )
            return taken.rowcount == 1

    def open_gate(
        self, run_id: str, question: str, choices: Sequence[str], *, step: int | None = None, fence: int, actor: str
    ) -> GateRow:
        """Ask a durable question. Asked again after a crash, the open or answered one of that step comes back."""
        with self._write() as connection:
            same = select(gate).where(gate.c.run_id == run_id, gate.c.step == step, gate.c.question == clean(question))
            row = connection.execute(same).mappings().one_or_none()
            if row is not None:
                return gate_from(row)
            values = {
                "id": new_id(),
                "run_id": run_id,
                "step": step,
                "question": clean(question),
                "choices": canonical_json([clean(one) for one in choices]),
                "opened_at": instant(now()),
            }
            connection.execute(insert(gate).values(values))
            body = {"gate": values["id"], "question": values["question"], "choices": list(choices)}
            append_event(connection, run_id, EventKind.GATE_OPENED, actor=actor, step=step, body=body, fence=fence)
            return gate_from(connection.execute(same).mappings().one())

    def answer_gate(self, gate_id: str, answer: str, by: str) -> bool:
        """Answer by compare and set: False when somebody was faster. Raises UsageError on an answer nobody offered."""
        with self._write() as connection:
            row = connection.execute(select(gate).where(gate.c.id == gate_id)).mappings().one_or_none()
            if row is None:
                raise UnknownNameError(f"no question '{clean(gate_id, limit=60)}' is asked")
            asked = gate_from(row)
            if answer not in asked.choices:
                raise UsageError(f"'{clean(answer, limit=60)}' is no answer; choose one of: {', '.join(asked.choices)}")
            answered = connection.execute(
                update(gate)
                .where(gate.c.id == gate_id, gate.c.answer.is_(None))
                .values(answer=answer, answered_by=clean(by), answered_at=instant(now()))
            )
            if answered.rowcount != 1:
                return False
            body = {"gate": gate_id, "answer": answer}
            append_event(connection, asked.run_id, EventKind.GATE_ANSWERED, actor=clean(by), step=asked.step, body=body)
            return True
