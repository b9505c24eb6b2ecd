"""Whether the process that runs a run still lives: what a run without an outcome is."""

import os
import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

# The start of a process is known to the second, and a clock may be set a little.
TOLERANCE = timedelta(seconds=10)


def gone(record: Mapping[str, Any], start: datetime | None) -> str | None:
    """Say that the search which wrote a run.json is gone, or None where it lives or nobody can know.

    Only the processes of this machine can be looked at. A process of the same number that began after the run
    did is another one.

    Args:
        record: run.json, with the host and the pid of the search.
        start: When the run began.
    """
    pid = record.get("pid")
    if record.get("host") != socket.gethostname() or not isinstance(pid, int) or isinstance(pid, bool):
        return None
    if pid <= 0:
        return None
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return f"its search (process {pid}) is gone"
    except OSError:
        pass  # it lives, as another user's
    began = _began(pid)
    if began is None or start is None or began <= start + TOLERANCE:
        return None
    return f"its search (process {pid}) is gone"


def is_stopped(pid: int) -> bool:
    """Whether a process of this machine is stopped, as by Ctrl-Z or a debugger, so that it may go on."""
    try:
        return _stat(pid)[0] in (b"T", b"t")
    except (OSError, IndexError):
        return False


def _stat(pid: int) -> list[bytes]:
    """The fields of /proc/pid/stat after the name (proc(5)): state (3) is the first."""
    return Path("/proc", str(pid), "stat").read_bytes().rpartition(b")")[2].split()


def _began(pid: int) -> datetime | None:
    """When a living process began; the end of time for one that only waits to be reaped; None if unknown.

    proc(5): field 22 of /proc/pid/stat is starttime, in clock ticks since the boot, whose time is `btime` in
    /proc/stat.
    """
    try:
        fields = _stat(pid)
        if fields[0] in (b"Z", b"X"):
            return datetime.max.replace(tzinfo=UTC)
        lines = Path("/proc/stat").read_bytes().splitlines()
        boot = next(int(line.split()[1]) for line in lines if line.startswith(b"btime "))
        seconds = boot + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError, StopIteration):
        return None
    return datetime.fromtimestamp(seconds, UTC)
