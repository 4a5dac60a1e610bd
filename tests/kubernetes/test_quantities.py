"""Quantities of the metrics API."""

import pytest

from actions.platforms.kubernetes.quantities import quantity, used_by


@pytest.mark.parametrize(("text", "number"), [
    ("250m", 0.25), ("64Mi", 64 * 1024**2), ("1Ti", 1024**4), ("2T", 2e12), ("12e6", 12e6), ("1.5", 1.5), ("3E", 3e18),
    ("7n", 7e-9), ("100k", 1e5), ("-1", -1.0), ("", None), ("many", None), ("1 Gi", None), (None, None),
])  # fmt: skip
def test_quantities(text: object, number: float | None) -> None:
    found = quantity(text)
    assert found == number if number is None else found == pytest.approx(number)


def test_usage_that_is_only_half_told_is_not_a_figure() -> None:
    told = {"containers": [{"usage": {"cpu": "100m", "memory": "1Mi"}}, {"usage": {"cpu": "50m"}}]}
    assert used_by(told) == (pytest.approx(0.15), None)
    assert used_by({}) == (None, None)
