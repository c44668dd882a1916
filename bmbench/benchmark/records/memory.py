"""The most memory that this process has held since a moment; Linux alone can tell it."""

from __future__ import annotations

from pathlib import Path

_PEAK, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESIDENT = "5"
"""What resets the peak of the resident set (Linux, ``proc_pid_clear_refs(5)``)."""


def forget_peak() -> bool:
    """Begin anew; whether the system can: else a peak may be that of earlier work of this process."""
    try:
        _RESET.write_text(_RESIDENT)
    except OSError:
        return False
    return True


def peak_mb() -> float | None:
    """The peak of the resident set in MB (10⁶ bytes), without other processes; None where it is not told."""
    try:
        lines = _PEAK.read_text("ascii", "replace").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return round(1.024e-3 * int(found[0]), 1) if found else None
