"""What /proc tells of memory: how much process groups use, and what the kernel has killed for want of it."""

import os
from collections.abc import Mapping
from pathlib import Path


def memory_of(groups: Mapping[int, int]) -> dict[int, int]:
    """The memory of process groups in bytes, proportional shares of what is shared (PSS, proc(5)).

    Args:
        groups: Process group numbers by key.
    """
    wanted = {group: key for key, group in groups.items()}
    used = dict.fromkeys(groups, 0)
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = Path("/proc", entry, "stat").read_text(errors="replace")
            group = int(stat.rsplit(")", 1)[1].split()[2])
            if group in wanted:
                used[wanted[group]] += _pss(entry)
        except (OSError, IndexError, ValueError):
            continue  # it ended meanwhile
    return used


def _pss(pid: str) -> int:
    for line in Path("/proc", pid, "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def kernel_kills() -> int:
    """How many processes the kernel has killed for want of memory since it started (Linux; else 0)."""
    try:
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    except OSError:
        return 0
    return 0
