"""What processes cost: CPU seconds and memory, from /proc."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += _children(int(child))
    return found


def cpu_s(pids: list[int]) -> float:
    """User and system seconds of the processes and their children so far."""
    total = 0
    for pid in {child for root in pids for child in _children(root)}:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def rss_mib(pids: list[int]) -> float:
    """Resident memory of the processes and their children."""
    total = 0
    for pid in {child for root in pids for child in _children(root)}:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total / 1024
