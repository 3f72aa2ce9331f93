"""Who is a resident where: told by users themselves, and by operators at a stopped data centre."""

from tests import program
from tests.hubs.conftest import Lab, eventually
from tests.hubs.test_alone_and_merged import bodies, is_in


def residents(lab: Lab, *arguments: str) -> list[str]:
    """`bongsu hub residents` on the core's data."""
    config = lab.node("a").config
    action, *rest = arguments
    done = program.run("hub", "residents", action, "--config", config, "--hub", *rest)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_who_moves_away_is_no_longer_spoken_for(lab: Lab) -> None:
    kim = lab.resident("h1", "kim")
    room_id = kim.create_room(preset="public_chat")
    at_hub = lab.at(kim, "h1")
    eventually(lambda: is_in(at_hub, room_id), "the room at h1")
    at_hub.send(room_id, "at the town hall")
    eventually(lambda: bodies(kim, room_id) == ["at the town hall"], "the message at the core")
    lab.link("h1", "core", "none")
    assert kim.delete("/_bongsu/client/v1/residency/h1") == {"hubs": []}
    # The hub has not heard of it.
    at_hub.send(room_id, "too late")
    assert kim.send(room_id, "from elsewhere")
    lab.link("h1", "core", "lan")
    eventually(lambda: not lab.knows(kim, "h1"), "the end at the hub")
    assert bodies(kim, room_id) == ["at the town hall", "from elsewhere"]
    # Who comes back is spoken for again, and what was written meanwhile counts, too.
    assert kim.put("/_bongsu/client/v1/residency", body={"hub": "h1"}) == {"hubs": ["h1"]}
    eventually(lambda: len(bodies(kim, room_id)) == 3, "all of it at the core")
    eventually(lambda: lab.knows(kim, "h1") and len(bodies(at_hub, room_id)) == 3, "all of it at h1")
    assert bodies(at_hub, room_id) == bodies(kim, room_id)
    assert kim.get("/_bongsu/client/v1/residency") == {"hubs": ["h1"]}
    kim.refused(404, "M_NOT_FOUND", "PUT", "/_bongsu/client/v1/residency", body={"hub": "nowhere"})
    at_hub.refused(403, "M_FORBIDDEN", "PUT", "/_bongsu/client/v1/residency", body={"hub": "h2"})


def test_operators_say_it_at_a_stopped_data_centre(lab: Lab) -> None:
    kim, lee = lab.user("a", "kim"), lab.user("a", "lee")
    lab.burn()
    assert residents(lab, "list", "h1") == []
    said = residents(lab, "add", "h1", kim.name, lee.user_id)
    assert said == [f"{user.user_id} is a resident of h1." for user in (kim, lee)]
    assert residents(lab, "list", "h1") == sorted([kim.user_id, lee.user_id])
    residents(lab, "remove", "h1", lee.name)
    assert residents(lab, "list", "h1") == [kim.user_id]
    lab.revive()
    eventually(lambda: lab.knows(kim, "h1"), "kim at h1")
    assert not lab.knows(lee, "h1")
