"""How a time is written."""

from datetime import UTC, datetime


def timestamp(time: datetime | None = None) -> str:
    """A UTC time, now by default, as ISO 8601 with microseconds: 2026-11-21T09:02:11.123456Z."""
    time = datetime.now(UTC) if time is None else time
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")
