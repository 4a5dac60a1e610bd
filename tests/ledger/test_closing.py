"""Closing a run by hand while somebody carries it out; finding a run by the key it was asked for with."""

import os

import pytest

from actions.ledger.locks import lock_path, locked
from actions.ledger.processes import host_name
from actions.ledger.writer import LedgerWriter
from actions.model.errors import Busy
from actions.model.identity import short_id
from actions.model.words import RunState
from tests.ledger.filling import submit


def test_a_run_at_work_is_not_closed_and_it_is_said_who_has_it_and_what_to_do(ledger: LedgerWriter) -> None:
    run_id = submit(ledger)
    with locked(lock_path(ledger.directory, "demo/api")):
        token = ledger.acquire(run_id, actor="executor")
        ledger.transition(run_id, RunState.RUNNING, fence=token, actor="executor")
        with pytest.raises(Busy) as caught:
            ledger.close_run(run_id, by="anna", reason="put right by hand")
    said, name = caught.value.message, short_id(run_id)
    assert f"run {name} of anna (running) is still carried out by process {os.getpid()} on '{host_name()}'" in said
    assert f"runs back-out {name}" in said and ".lock" not in said
    assert caught.value.run_id == run_id and ledger.run(run_id).state is RunState.RUNNING


def test_a_run_is_found_by_its_key_also_when_it_has_ended(ledger: LedgerWriter) -> None:
    run_id = submit(ledger, key="press-1")
    ledger.close_run(run_id, by="anna", reason="never mind")
    assert not ledger.run(run_id).state.active
    assert ledger.asked_with("press-1") == run_id and ledger.asked_with("press-2") is None
