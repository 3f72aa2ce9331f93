"""Reading the battery as Linux tells it: /sys/class/power_supply. Kernel: ABI/testing/sysfs-class-power."""

from collections.abc import Iterator
from pathlib import Path

from bongsu.hub.energy import Battery

# What is left and what is drawn, in one unit each: µWh and µW, or µAh and µA.
_GAUGES = (("energy_now", "power_now"), ("charge_now", "current_now"))
_MAINS = frozenset(("Mains", "USB", "USB_C", "USB_PD"))


def read(folder: Path) -> Battery | None:
    """The batteries of this machine as one, or None if it has none that can be read."""
    percents: list[int] = []
    hours: list[float] = []
    on_mains = False
    for supply in _supplies(folder):
        kind = _text(supply / "type")
        if kind in _MAINS:
            on_mains = on_mains or _number(supply / "online") == 1
        elif kind == "Battery" and _text(supply / "scope") != "Device":  # not of a mouse
            percent = _number(supply / "capacity")
            if percent is not None:
                percents.append(max(0, min(100, percent)))
                on_mains = on_mains or _text(supply / "status") in ("Charging", "Full")
                hours += _hours(supply)
    if not percents:
        return None
    left = None if on_mains or not hours else round(sum(hours), 1)
    return Battery(sum(percents) // len(percents), on_mains, left)


def _supplies(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _hours(supply: Path) -> Iterator[float]:
    for left, draw in _GAUGES:
        amount, rate = _number(supply / left), _number(supply / draw)
        if amount is not None and rate:
            yield amount / abs(rate)
            return


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    try:
        return int(_text(path))
    except ValueError:
        return None
