"""Reading the battery as Linux tells it: /sys/class/power_supply. Kernel: ABI/testing/sysfs-class-power."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bongsu.hub.energy import Battery

# What is left and what is drawn, in one unit each: µWh and µW, or µAh and µA.
_GAUGES = (("energy_now", "power_now"), ("charge_now", "current_now"))
_MAINS = frozenset(("Mains", "USB", "USB_C", "USB_PD"))


class _Drain(NamedTuple):
    """What is left in one battery and what is drawn from it, in the unit of its gauge."""

    unit: str
    amount: int
    rate: int


def read(folder: Path) -> Battery | None:
    """The batteries of this machine as one, or None if it has none that can be read."""
    percents: list[int] = []
    drains: list[_Drain] = []
    plugs: set[bool] = set()
    charging = full = False
    for supply in _supplies(folder):
        kind = _text(supply / "type")
        if kind in _MAINS:
            plugged = _number(supply / "online") == 1
            # That nothing is in one of the USB sockets says nothing of the other ways.
            plugs |= {plugged} if plugged or kind == "Mains" else set()
        elif kind == "Battery" and _text(supply / "scope") != "Device":  # not of a mouse
            percent = _number(supply / "capacity")
            if percent is not None:
                percents.append(max(0, min(100, percent)))
                status = _text(supply / "status")
                charging, full = charging or status == "Charging", full or status == "Full"
                drains += _drains(supply)
    if not percents:
        return None
    # One that rests calls itself full while another empties, so a plug that says it is out is believed first.
    on_mains = True in plugs or charging or (full and not plugs)
    return Battery(sum(percents) // len(percents), on_mains, None if on_mains else _hours(drains))


def _supplies(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _drains(supply: Path) -> Iterator[_Drain]:
    for left, draw in _GAUGES:
        amount, rate = _number(supply / left), _number(supply / draw)
        if amount is not None:
            yield _Drain(left, amount, abs(rate or 0))
            return


def _hours(drains: list[_Drain]) -> float | None:
    """How long what all batteries hold lasts at what all give now: laptops empty one after the other."""
    rate = sum(each.rate for each in drains)
    if not rate or len({each.unit for each in drains}) > 1:
        return None
    return round(sum(each.amount for each in drains) / rate, 1)


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
