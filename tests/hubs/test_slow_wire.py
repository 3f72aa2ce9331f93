"""A hub on a slow wire brings what waits there; a long message on its way does not pass for silence."""

from pathlib import Path

import pytest

from bongsu.errors import FatalError
from bongsu.lab.commands import bits_per_second
from tests.hubs.conftest import Lab, eventually
from tests.hubs.test_alone_and_merged import is_in


def test_rates_are_read() -> None:
    assert [bits_per_second(each) for each in ("lan", "none", "1200bps", "64kbps")] == [0, 0, 1_200, 64_000]
    for wrong in ("", "fast", "0bps", "64 kbps", "-1bps"):
        with pytest.raises(FatalError, match="nor a rate"):
            bits_per_second(wrong)


def test_a_backlog_comes_over_a_slow_wire(lab: Lab) -> None:
    kim = lab.resident("h1", "kim")
    room_id = kim.create_room()
    here = lab.at(kim, "h1")
    eventually(lambda: is_in(here, room_id), "the room at its hub")
    lab.link("h1", "core", "none")
    for number in range(50):
        here.send(room_id, f"{number} " + "x" * 500)
    words = Path(lab.node("h1").config).parent / "h1.log"
    said = words.read_text(encoding="utf-8")
    lab.link("h1", "core", "64kbps")
    last = lambda: kim.get("rooms", room_id, "messages", dir="b", limit="1")["chunk"][0]  # noqa: E731
    eventually(lambda: last()["content"].get("body", "").startswith("49 "), "the backlog at the core")
    # One message of all of it takes longer than a silent peer is waited for.
    assert words.read_text(encoding="utf-8").removeprefix(said).count("linked with site a") == 1
