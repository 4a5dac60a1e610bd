"""What commands say beyond the figures of `screens.words`: moments with their date, ages as a phrase."""

from datetime import datetime

from screens import words


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago, in words."""
    return "never" if at is None else f"{words.ago(words.since(at, now))} ago"


def moment(at: datetime | None) -> str:
    """A moment in UTC, as people read it."""
    return "-" if at is None else at.strftime("%Y-%m-%d %H:%M:%SZ")
