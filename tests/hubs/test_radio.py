"""Two hubs without a data centre, and nothing between them but radio: text goes both ways."""

from pathlib import Path
from typing import Any

import pytest

from bongsu.errors import FatalError
from bongsu.lab.commands import link
from tests.api.client import User
from tests.hubs.conftest import Lab, eventually
from tests.hubs.test_alone_and_merged import is_in

RATE = "9600bps"


def texts(user: User, room_id: str) -> list[str]:
    """What was said in a room, as a client reads it."""
    chunk: list[dict[str, Any]] = user.get("rooms", room_id, "messages", dir="b", limit="100")["chunk"]
    return [each["content"]["body"] for each in reversed(chunk) if each["type"] == "m.room.message"]


def pair(lab: Lab) -> tuple[User, User, str]:
    """Somebody at each hub, in one room that both keep; the data centre burns, and every wire is cut."""
    kim, lee = lab.resident("h1", "kim"), lab.resident("h2", "lee")
    room_id = kim.create_room(invite=[lee.user_id])
    lee.join(room_id)
    here, there = lab.at(kim, "h1"), lab.at(lee, "h2")
    eventually(lambda: is_in(here, room_id) and is_in(there, room_id), "the room at both hubs")
    lab.burn()
    lab.isolate()
    return here, there, room_id


def test_text_goes_both_ways_by_radio(lab: Lab) -> None:
    here, there, room_id = pair(lab)
    with pytest.raises(FatalError, match="Only radio"):
        link(lab.plan, "h1", "core", "64kbps", 0.2)
    lab.link("h1", "h2", "19200bps")
    event_id = here.send(room_id, "강릉 상황실입니다. 지금 모두 무사해요")
    eventually(lambda: len(texts(there, room_id)) == 1, "the text at the other hub")
    way = lambda: here.get("/_bongsu/client/v1/durability", event_id)["radio"][0]  # noqa: E731
    eventually(lambda: way()["has"], "the word that it has arrived")
    assert (way()["site"], way()["reached"], way()["seconds"]) == ("h2", True, 0.0)
    told = lab.http["h1"].get("/_bongsu/client/v1/sites").json()["sites"][0]["radio"]
    assert told["site"] == "h2"
    assert 0 < told["text_s"] < 5
    there.send(room_id, "네, 들립니다")
    eventually(lambda: len(texts(here, room_id)) == 2, "the answer")
    assert texts(here, room_id) == texts(there, room_id)


@pytest.mark.long
def test_radio_that_loses_frames_goes_on_after_a_cut(lab: Lab) -> None:
    here, there, room_id = pair(lab)
    link(lab.plan, "h1", "h2", RATE, 0.1)
    here.send(room_id, "first")
    eventually(lambda: texts(there, room_id) == ["first"], "the text at the other hub")
    lab.link("h1", "h2", "none")
    for number in range(5):
        here.send(room_id, f"h1 {number}")
        there.send(room_id, f"h2 {number}")
    link(lab.plan, "h1", "h2", RATE, 0.1)
    for user in (here, there):
        eventually(lambda user=user: len(texts(user, room_id)) == 11, "what was said during the cut", 90)  # type: ignore[misc]
    assert texts(here, room_id) == texts(there, room_id)
    words = (Path(lab.node("h1").config).parent / "h1.log").read_text(encoding="utf-8")
    assert words.count("linked by radio with site h2") == 1, "the session outlives the cut"


@pytest.mark.long
def test_radio_is_silent_while_both_reach_a_data_centre(lab: Lab) -> None:
    lab.link("h1", "h2", "19200bps")
    kim, lee = lab.resident("h1", "kim"), lab.resident("h2", "lee")
    room_id = kim.create_room(invite=[lee.user_id])
    lee.join(room_id)
    here, there = lab.at(kim, "h1"), lab.at(lee, "h2")
    eventually(lambda: is_in(here, room_id) and is_in(there, room_id), "the room at both hubs")
    words = Path(lab.node("h1").config).parent / "h1.log"
    assert "linked by radio" not in words.read_text(encoding="utf-8")
    lab.link("h1", "core", "none")
    here.send(room_id, "by radio, and from h2 by wire")
    eventually(lambda: len(texts(lee, room_id)) == 1, "the text at the data centre")
    assert "linked by radio with site h2" in words.read_text(encoding="utf-8")
    lab.link("h1", "core", "lan")
    eventually(lambda: "is not used" in words.read_text(encoding="utf-8"), "silence")


@pytest.mark.long
def test_a_wire_takes_over_from_radio(lab: Lab) -> None:
    here, there, room_id = pair(lab)
    lab.link("h1", "h2", RATE)
    here.send(room_id, "by radio")
    eventually(lambda: texts(there, room_id) == ["by radio"], "the text at the other hub")
    words = Path(lab.node("h1").config).parent / "h1.log"
    lab.link("h1", "h2", "lan")
    eventually(lambda: "linked with site h2" in words.read_text(encoding="utf-8"), "the wire")
    there.send(room_id, "by wire")
    eventually(lambda: texts(here, room_id)[-1] == "by wire", "the answer")
    lab.link("h1", "h2", RATE)
    here.send(room_id, "by radio again")
    eventually(lambda: texts(there, room_id)[-1] == "by radio again", "the text by radio", 90)
