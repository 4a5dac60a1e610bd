"""Fixtures of the nginx tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nginx.real import RealNginx, real_nginx


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[RealNginx]:
    """A running nginx whose blue colour (2.4.1) serves and whose green one (2.4.0) stands by."""
    with real_nginx(tmp_path) as real:
        yield real
