"""Every site holds everything and takes everything: accounts, rooms, tokens, media, messages to devices."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from bongsu.lab import commands, processes
from tests.api.client import PASSWORD, PREFIX, User, timeline
from tests.api.test_pusher import pusher
from tests.helpers.gateway import Gateway
from tests.sites.conftest import SITES, Lab

REGISTER = f"{PREFIX}register"
Everywhere = Callable[[Callable[[str], object]], None]


def bodies(user: User, room_id: str) -> list[str]:
    """The messages of a room in history's order."""
    found = user.get("rooms", room_id, "messages", dir="b", limit=100)["chunk"]
    return [event["content"]["body"] for event in reversed(found) if event["type"] == "m.room.message"]


def test_an_account_made_at_one_site_is_one_everywhere(lab: Lab) -> None:
    alice = lab.user("a", "alice")
    for site in SITES:
        assert lab.at(alice, site).get("account", "whoami")["user_id"] == alice.user_id
    other = User(lab.http["c"], alice.name)
    other.login()
    assert other.user_id == alice.user_id


def test_what_is_sent_at_each_site_is_history_at_all(lab: Lab, everywhere: Everywhere) -> None:
    alice, bob = lab.user("a", "alice"), lab.user("b", "bob")
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    sent = []
    for number in range(30):
        sender = lab.at((alice, bob)[number % 2], SITES[number % 3])
        sender.send(room_id, f"메시지 {number}")
        sent.append(f"메시지 {number}")
    everywhere(lambda site: bodies(lab.at(alice, site), room_id))
    assert sorted(bodies(alice, room_id)) == sorted(sent)


def said(answer: dict[str, Any], room_id: str) -> list[str]:
    """The messages; bob's joining may come to a site after its first answer."""
    events = timeline(answer, room_id)
    return [event["content"]["body"] for event in events if event["type"] == "m.room.message"]


def test_a_client_moves_with_its_token_and_misses_nothing(lab: Lab) -> None:
    alice, bob = lab.user("a", "alice"), lab.user("b", "bob")
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    since = alice.sync()["next_batch"]
    seen: list[str] = []
    for number in range(12):
        bob.send(room_id, f"{number}")
        bob.put(
            "sendToDevice",
            "m.test",
            f"{room_id}{number}",
            body={"messages": {alice.user_id: {alice.device_id: {"number": number}}}},
        )
        answer = lab.at(alice, SITES[number % 3]).sync(since, timeout_ms=5_000)
        seen += said(answer, room_id)
        seen += [f"d{event['content']['number']}" for event in answer.get("to_device", {}).get("events", [])]
        since = answer["next_batch"]
    for site in SITES:
        answer = lab.at(alice, site).sync(since, timeout_ms=500)
        seen += said(answer, room_id)
        seen += [f"d{event['content']['number']}" for event in answer.get("to_device", {}).get("events", [])]
        since = answer["next_batch"]
    assert [body for body in seen if not body.startswith("d")] == [str(number) for number in range(12)]
    assert [body for body in seen if body.startswith("d")] == [f"d{number}" for number in range(12)]


def test_what_was_made_at_one_site_is_known_at_once_at_the_next(lab: Lab) -> None:
    """Each request builds on the one before it, which another site has answered and this one may only hold,
    while a third site's talk keeps both busy."""
    alice, bob = lab.user("b", "alice"), lab.user("c", "bob")
    talkers = [lab.user("a", "talker") for _ in range(12)]
    done = threading.Event()

    def talk(talker: User) -> None:
        room_id = talker.create_room()
        while not done.is_set():
            talker.send(room_id, "말이 많다")

    def build(number: int) -> None:
        first, second = ("b", "c") if number % 2 else ("c", "b")
        room_id = lab.at(alice, first).create_room()
        lab.at(alice, second).invite(room_id, bob)
        lab.at(bob, first).join(room_id)
        lab.at(bob, second).send(room_id, f"{number}")

    with ThreadPoolExecutor(len(talkers)) as pool:
        for talker in talkers:
            pool.submit(talk, talker)
        try:
            for number in range(30):
                build(number)
        finally:
            done.set()


def test_a_message_is_on_two_disks_when_it_is_acknowledged(lab: Lab) -> None:
    alice = lab.user("a", "alice")
    room_id = alice.create_room()
    event_id = alice.send(room_id, "두 곳에")
    found = alice.get("/_bongsu/client/v1/durability", event_id)
    assert found["promise"] == "two sites"
    assert "a" in found["sites"]
    assert len(found["sites"]) >= 2


def test_a_file_is_served_by_sites_it_was_not_given_to(lab: Lab) -> None:
    alice = lab.user("a", "alice")
    content = bytes(range(256)) * 8_000
    uri = alice.expect(200, "POST", "/_matrix/media/v3/upload", content=content)["content_uri"]
    for site in SITES:
        moved = lab.at(alice, site)
        path = ("/_matrix/client/v1/media/download", *uri.removeprefix("mxc://").split("/"))
        assert moved.request("GET", *path).content == content


def test_typing_is_seen_at_another_site(lab: Lab) -> None:
    alice, bob = lab.user("a", "alice"), lab.user("b", "bob")
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    since = bob.sync()["next_batch"]
    alice.put("rooms", room_id, "typing", alice.user_id, body={"typing": True, "timeout": 20_000})

    def types(answer: dict[str, object]) -> bool:
        rooms: dict[str, dict[str, dict[str, object]]] = answer.get("rooms", {})  # type: ignore[assignment]
        events = rooms.get("join", {}).get(room_id, {}).get("ephemeral", {})
        return any(event["type"] == "m.typing" for event in events.get("events", []))  # type: ignore[attr-defined]

    bob.sync_until(types, since)


def test_one_time_keys_are_shared_out_and_never_given_twice(lab: Lab) -> None:
    alice, bob = lab.user("a", "alice"), lab.user("b", "bob")
    keys = {f"curve25519:K{number}": f"key{number:040}" for number in range(30)}
    counts = alice.post("keys", "upload", body={"one_time_keys": keys})["one_time_key_counts"]
    assert counts["curve25519"] == 30
    given: list[str] = []
    for number in range(36):
        moved = lab.at(bob, SITES[number % 3])
        asked = {"one_time_keys": {alice.user_id: {alice.device_id: "curve25519"}}}
        answer = moved.post("keys", "claim", body=asked)["one_time_keys"]
        given += answer.get(alice.user_id, {}).get(alice.device_id, {})
    assert len(given) == len(set(given))
    assert len(given) == 30, "a site out of its share asks another"


def test_a_site_burns_and_the_others_go_on(lab: Lab, everywhere: Everywhere) -> None:
    alice, bob = lab.user("a", "alice"), lab.user("c", "bob")
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    sent = [f"before {number}" for number in range(5)]
    for body in sent:
        alice.send(room_id, body)
    since = alice.sync()["next_batch"]
    lab.burn("a")
    for number in range(5):
        event_id = bob.send(room_id, f"after {number}")
        sent.append(f"after {number}")
    assert bob.get("/_bongsu/client/v1/durability", event_id)["promise"] == "two sites"
    moved = lab.at(alice, "b")
    assert bodies(moved, room_id) == sent
    found = [event["content"]["body"] for event in timeline(moved.sync(since, timeout_ms=5_000), room_id)]
    assert found == sent[5:]
    lab.revive("a")
    everywhere(lambda site: bodies(lab.at(alice, site), room_id))
    assert bodies(alice, room_id) == sent


@pytest.fixture
def phones(lab: Lab) -> Iterator[tuple[User, str, Gateway]]:
    """Somebody in a room with another, whose six phones a gateway tells; every site sees every other."""
    for site in SITES:
        status = f"{lab.node(site).private}/_bongsu/node/v1/status"
        while not all(each["linked"] for each in httpx.get(status, trust_env=False).json()["sites"]):
            pass
    alice, bob = lab.user("b", "alice"), lab.user("c", "bob")
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    gateway = Gateway()
    for number in range(6):
        bob.post("pushers/set", body=pusher(gateway.url, f"key-{number}"))
    yield alice, room_id, gateway
    gateway.close()


def pushed(told: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["event_id"], each["devices"][0]["pushkey"]) for each in told]


def every(sent: list[str]) -> list[tuple[str, str]]:
    return [(event_id, f"key-{number}") for event_id in sent for number in range(6)]


def test_one_site_tells_a_phone(lab: Lab, phones: tuple[User, str, Gateway]) -> None:
    alice, room_id, gateway = phones
    sent = [lab.at(alice, SITES[number % 3]).send(room_id, f"{number}") for number in range(6)]
    told_all(gateway, sent)
    # The last is sent when all else was told, so that what a second site tells has come as well. One whose
    # link is cut for a moment may tell some twice.
    sent.append(alice.send(room_id, "끝"))
    assert len(told_all(gateway, sent)) < 1.5 * len(every(sent))


def told_all(gateway: Gateway, sent: list[str]) -> list[dict[str, Any]]:
    """What the gateway was told, once that is every message for every phone."""
    told: list[dict[str, Any]] = []
    while set(every(sent)) - set(pushed(told)):
        told = gateway.wait(len(told) + 1)
    return told


@pytest.mark.long
def test_another_site_tells_a_phone_when_one_burned(lab: Lab, phones: tuple[User, str, Gateway]) -> None:
    alice, room_id, gateway = phones
    lab.burn("a")
    told_all(gateway, [alice.send(room_id, "불")])
    lab.revive("a")


def test_two_sites_gone_and_the_third_says_that_it_is_alone(lab: Lab, everywhere: Everywhere) -> None:
    alice = lab.user("a", "alice")
    room_id = alice.create_room()
    lab.burn("b")
    lab.burn("c")
    said = {"msgtype": "m.text", "body": "혼자"}
    answer = alice.put("rooms", room_id, "send", "m.room.message", "alone", body=said)
    assert answer["kr.bongsu.promise"] == "here"
    event_id = answer["event_id"]
    assert alice.get("/_bongsu/client/v1/durability", event_id)["promise"] == "here"
    shown = next(event for event in timeline(alice.sync(), room_id) if event["event_id"] == event_id)
    assert shown["unsigned"]["kr.bongsu.promise"] == "here"
    lab.revive("b")
    lab.revive("c")
    everywhere(lambda site: bodies(lab.at(alice, site), room_id))
    for _ in range(50):
        if alice.get("/_bongsu/client/v1/durability", event_id)["promise"] == "two sites":
            break
    else:
        raise AssertionError("the promise never grew")


def test_a_name_is_given_once_whoever_asks_where(lab: Lab) -> None:
    for number in range(4):
        name = f"동시-{number}".encode().hex()[:12] + str(number)
        answers = []
        with ThreadPoolExecutor(len(SITES)) as pool:
            body = {"username": name, "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
            asked = [pool.submit(lab.http[site].post, REGISTER, json=body) for site in SITES]
            answers = [each.result() for each in asked]
        made = [answer.json()["user_id"] for answer in answers if answer.status_code == 200]
        assert len(made) == len(set(made)) == 1, [answer.text for answer in answers]
        assert {answer.status_code for answer in answers} == {200, 400}


def test_a_name_given_without_the_core_says_where_it_was_given(lab: Lab) -> None:
    lab.burn("b")
    lab.burn("c")
    alone = lab.user("a", "hana")
    assert alone.user_id.startswith(f"@{alone.name}+")
    lab.revive("b")
    lab.revive("c")
    everywhere = lab.user("c", alone.name)
    assert "+" not in everywhere.user_id
    again = User(lab.http["b"], alone.user_id[1:].partition(":")[0])
    again.login()
    assert again.user_id == alone.user_id


def test_a_site_that_is_alone_calls_no_token_unknown(lab: Lab) -> None:
    alice = lab.user("a")
    lab.burn("a")
    alone = lab.at(alice, "b")
    alone.access_token = "made at the site that burned, perhaps"
    for _ in range(2):
        refused = alone.request("GET", "account", "whoami")
        assert refused.status_code == 429, refused.text
        assert refused.headers["x-bongsu-not-heard-yet"] == "true"
        assert "You stay logged in" in refused.json()["error"]
    assert alone.request("POST", "refresh", body={"refresh_token": "another"}).status_code == 429
    lab.revive("a")

    for _ in range(200):
        if alone.request("GET", "account", "whoami").status_code == 401:
            break
        time.sleep(0.05)
    else:
        raise AssertionError("the sites are linked again, and the token is never refused")
    assert lab.at(alice, "b").get("account", "whoami")["user_id"] == alice.user_id


@pytest.mark.long
def test_nothing_is_held_at_one_site_while_the_next_link_is_made(lab: Lab) -> None:
    """NATS ends everywhere at once, and HTTPS takes over a moment later."""
    alice = lab.user("a", "alice")
    room_id = alice.create_room()
    fabric = [lab.plan.find(f"nats-{site}") for site in SITES]
    answers = []
    for number in range(120):
        if number == 20:
            for server in fabric:
                processes.kill(server)
        body = {"msgtype": "m.text", "body": f"{number}"}
        answers.append(alice.put("rooms", room_id, "send", "m.room.message", f"t{number}", body=body))
    lab.plan.save()
    for site in SITES:
        commands.start(lab.plan, f"nats-{site}")
    assert [answer for answer in answers if "kr.bongsu.promise" in answer] == []
