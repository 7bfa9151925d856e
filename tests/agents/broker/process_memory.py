"""What a process holds in memory, now and at its highest, as Linux counts it."""

from pathlib import Path


def resident_mib(pid: int) -> float:
    return _status(pid, "VmRSS")


def peak_mib(pid: int) -> float:
    return _status(pid, "VmHWM")


def _status(pid: int, field: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    msg = f"/proc/{pid}/status has no {field}"
    raise AssertionError(msg)
