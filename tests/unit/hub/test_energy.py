"""A battery that empties: media stop first, then all but alerts and text; nothing wavers with the gauge."""

from pathlib import Path

import pytest

from bongsu.errors import MatrixError
from bongsu.hub import battery
from bongsu.hub.energy import LANES, Battery, Level, level
from bongsu.hub.power import Power
from bongsu.log.record import Lane


def supply(folder: Path, name: str, **fields: object) -> None:
    (folder / name).mkdir(exist_ok=True)
    for field, value in fields.items():
        (folder / name / field).write_text(f"{value}\n", encoding="ascii")


def test_what_is_done_goes_down_with_the_battery_and_up_with_a_margin() -> None:
    seen, before = [], Level.FULL
    for percent in (100, 30, 29, 31, 32, 33, 15, 14, 16, 17, 18, 29, 33):
        before = level(before, Battery(percent, on_mains=False))
        seen.append(int(before))
    assert seen == [0, 0, 1, 1, 1, 0, 1, 2, 2, 2, 1, 1, 0]


def test_mains_or_no_battery_means_everything() -> None:
    assert level(Level.TEXT_ONLY, Battery(3, on_mains=True)) == Level.FULL
    assert level(Level.TEXT_ONLY, None) == Level.FULL


def test_bulk_waits_only_when_nearly_empty() -> None:
    assert LANES[Level.NO_MEDIA] == frozenset(Lane)
    assert LANES[Level.TEXT_ONLY] == {Lane.URGENT, Lane.TEXT}


def test_the_battery_is_read_as_linux_has_it(tmp_path: Path) -> None:
    assert battery.read(tmp_path / "nothing") is None
    supply(tmp_path, "AC", type="Mains", online=0)
    supply(tmp_path, "mouse", type="Battery", scope="Device", capacity=5)
    assert battery.read(tmp_path) is None
    supply(tmp_path, "BAT0", type="Battery", capacity=62, status="Discharging", energy_now=40_000_000)
    supply(tmp_path, "BAT0", power_now=8_000_000)
    assert battery.read(tmp_path) == Battery(62, on_mains=False, hours_left=5.0)
    supply(tmp_path, "AC", online=1)
    assert battery.read(tmp_path) == Battery(62, on_mains=True)


def test_two_batteries_of_which_one_rests_last_for_what_both_hold(tmp_path: Path) -> None:
    """Laptops empty one after the other; the one that rests calls itself full, on the mains or not."""
    supply(tmp_path, "AC", type="Mains", online=0)
    empties = {"status": "Discharging", "energy_now": 10_000_000, "power_now": 5_000_000}
    supply(tmp_path, "BAT0", type="Battery", capacity=20, **empties)
    supply(tmp_path, "BAT1", type="Battery", capacity=100, status="Full", energy_now=20_000_000, power_now=0)
    assert battery.read(tmp_path) == Battery(60, False, 6.0)


def test_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", type="Battery", capacity="full", status="Discharging")
    supply(tmp_path, "BAT1", type="Battery", capacity=180, status="Discharging", charge_now=1, current_now=0)
    assert battery.read(tmp_path) == Battery(100, on_mains=False)


def test_media_are_refused_with_a_sentence_while_it_is_low(tmp_path: Path) -> None:
    told: list[Level] = []
    power = Power(tmp_path, told.append)
    supply(tmp_path, "BAT0", type="Battery", capacity=80, status="Discharging")
    power.look()
    power.check_media()
    supply(tmp_path, "BAT0", capacity=24)
    power.look()
    with pytest.raises(MatrixError, match="24 %"):
        power.check_media()
    supply(tmp_path, "BAT0", capacity=10)
    power.look()
    supply(tmp_path, "BAT0", status="Charging")
    power.look()
    power.check_media()
    assert told == [Level.NO_MEDIA, Level.TEXT_ONLY, Level.FULL]
    assert power.as_json() == {"percent": 10, "on_mains": True, "hours_left": None, "does": "full"}
