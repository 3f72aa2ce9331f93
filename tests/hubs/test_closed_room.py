"""A room is closed while a hub is cut off: merged, it is closed everywhere, and what was said stays."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bongsu.lab import commands, processes
from tests import program
from tests.api.client import User, http_client
from tests.helpers.tower import pass_second_factor
from tests.hubs.conftest import Lab, eventually
from tests.hubs.test_alone_and_merged import bodies, is_in
from tests.server import free_port

ADMIN = "/_bongsu/admin/v1"


@contextmanager
def administrator(lab: Lab) -> Iterator[User]:
    """One at the data centre, at an address of the administration."""
    account, node = lab.user("a", "boss"), lab.node("a")
    console = f"127.0.0.1:{free_port()}"
    settings = Path(node.config)
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text + f'admin_listen = "{console}"\n', encoding="utf-8")
    processes.end([node])
    made = program.run("user", "admin", "--config", node.config, account.name)
    assert made.returncode == 0, made.stderr
    commands.start(lab.plan, "a")
    with closing(http_client(f"http://{console}")) as http:
        boss = User(http, account.name)
        boss.login()
        pass_second_factor(boss)
        yield boss


@pytest.mark.long
def test_a_room_closed_while_a_hub_is_alone_is_closed_after_the_merge(lab: Lab) -> None:
    with administrator(lab) as boss:
        eventually(lambda: lab.linked() == {"a", "h1", "h2"}, "every site linked")
        kim, park = (lab.resident("h1", name) for name in ("kim", "park"))
        room = kim.create_room(preset="public_chat", name="불법 도박")
        at = {user: lab.at(user, "h1") for user in (kim, park)}
        eventually(lambda: is_in(at[kim], room), "the room at h1")
        lab.isolate()
        assert boss.post(f"{ADMIN}/close_room", room)["left"] == 1
        # The hub has not heard of it: kim goes on, and park comes in.
        at[park].join(room)
        said = [at[user].send(room, text) for user, text in ((kim, "판돈 올린다"), (park, "나도 낀다"))]
        lab.reunite()
        eventually(lambda: boss.get(f"{ADMIN}/room", room)["members"] == [], "nobody inside at the centre")
        for user in (kim, park):
            eventually(lambda user=user: not is_in(at[user], room), f"{user.user_id} outside at h1")
            for there in (user, at[user]):
                there.refused(403, "M_FORBIDDEN", "POST", "join", room)
                message = {"msgtype": "m.text", "body": "아직 있나"}
                there.refused(
                    403, "M_FORBIDDEN", "PUT", "rooms", room, "send", "m.room.message", "t", body=message
                )
        # Who was inside when it was said may read it still.
        eventually(lambda: kim.get("rooms", room, "event", said[0])["content"]["body"] == "판돈 올린다", "it")
        assert {"판돈 올린다", "나도 낀다"} <= set(bodies(park, room))
        boss.refused(403, "M_FORBIDDEN", "POST", f"{ADMIN}/redact", room, said[1])
        scope = f"room {room}"
        eventually(lambda: lab.digests("h1")[scope] == lab.digests("a")[scope], "equal digests")


@pytest.mark.long
def test_hubs_without_a_data_centre_take_their_residents_out(lab: Lab) -> None:
    with administrator(lab) as boss:
        eventually(lambda: lab.linked() == {"a", "h1", "h2"}, "every site linked")
        kim, park = (lab.resident("h1", name) for name in ("kim", "park"))
        room = kim.create_room(preset="public_chat", name="불법 도박")
        at = {user: lab.at(user, "h1") for user in (kim, park)}
        eventually(lambda: is_in(at[kim], room), "the room at h1")
        lab.link("h1", "core", "none")
        lab.link("h1", "h2", "none")
        boss.post(f"{ADMIN}/close_room", room)
        at[park].join(room)
        eventually(
            lambda: lab.digests("h2")["service"] == lab.digests("a")["service"], "the word of it at h2"
        )
        lab.link("h2", "core", "none")
        # h2 has nobody in the room, so of who was taken out it knows nothing: it brings the closing alone.
        lab.link("h1", "h2", "lan")
        for user in (kim, park):
            eventually(lambda user=user: not is_in(at[user], room), f"{user.user_id} outside at h1")
        lab.reunite()
        eventually(lambda: boss.get(f"{ADMIN}/room", room)["members"] == [], "nobody inside at the centre")
        scope = f"room {room}"
        eventually(lambda: lab.digests("h1")[scope] == lab.digests("a")[scope], "equal digests")
