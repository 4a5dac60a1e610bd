"""Fixtures of the ledger's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from actions.ledger import open_writer
from actions.ledger.writer import LedgerWriter


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.fixture
def ledger(directory: Path) -> Iterator[LedgerWriter]:
    writer = open_writer(directory)
    yield writer
    writer.close()
