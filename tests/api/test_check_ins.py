"""\"I'm safe\": said in tens of bytes, seen by friends at once, summed for the tower."""

from collections.abc import Callable

from bongsu import tower_drafts
from tests.api.client import User
from tests.helpers.tower import Officer

BASE = "/_bongsu/client/v1"
CHECK_INS = f"{BASE}/check_ins"
SECTION = "kr.bongsu.check_ins"
Make = Callable[[str], User]


def test_a_check_in_is_tens_of_bytes() -> None:
    user_id = "@kim:talk.example.kr"
    plain = tower_drafts.check_in(user_id, {"answer": "safe"}, 1).body
    placed = tower_drafts.check_in(user_id, {"answer": "help", "where": [37.75, 128.88]}, 1).body
    assert (len(plain), len(placed)) == (50, 73)


def friends(one: User, other: User) -> str:
    room = one.create_room(is_direct=True, preset="trusted_private_chat", invite=[other.user_id])
    other.join(room)
    return room


def test_friends_see_it_at_once_and_strangers_do_not(person: Make) -> None:
    alice, bob, eve = person("alice"), person("bob"), person("eve")
    friends(alice, bob)
    since, eves = bob.sync()["next_batch"], eve.sync()["next_batch"]
    body = {"answer": "safe", "with": [bob.user_id, "할머니"], "where": [37.751853, 128.876057]}
    said = alice.post(CHECK_INS, body=body)
    found = bob.sync_until(lambda answer: SECTION in answer, since)[SECTION]["check_ins"]
    assert found == [
        {
            "user_id": alice.user_id,
            "answer": "safe",
            "ts": said["ts"],
            "with": [bob.user_id, "할머니"],
            "where": [37.75, 128.88],
        }
    ]
    assert SECTION not in eve.sync(eves)
    alice.post(CHECK_INS, body={"answer": "help", "where": "경포초등학교 강당"})
    assert [each["answer"] for each in bob.get(CHECK_INS)["check_ins"]] == ["help"]
    assert eve.get(CHECK_INS)["check_ins"] == []
    alice.post(CHECK_INS, body={"answer": "safe", "where": [37.751853, 128.876057], "exact": True})
    assert bob.get(CHECK_INS)["check_ins"][0]["where"] == [37.75185, 128.87606]


def test_a_family_is_asked(person: Make) -> None:
    alice, bob, eve = person("alice"), person("bob"), person("eve")
    room = friends(alice, bob)
    since = bob.sync()["next_batch"]
    name = alice.post(f"{BASE}/check_requests", body={"users": [bob.user_id], "text": "괜찮아?"})["id"]
    asked = bob.sync_until(lambda answer: SECTION in answer, since)[SECTION]["requests"]
    assert [(each["id"], each["user_id"], each["text"]) for each in asked] == [
        (name, alice.user_id, "괜찮아?")
    ]
    bob.post(CHECK_INS, body={"answer": "safe", "request": name})
    assert alice.get(CHECK_INS)["check_ins"][0]["request"] == name
    assert alice.post(f"{BASE}/check_requests", body={"room_id": room})["id"] != name
    assert eve.get(CHECK_INS)["requests"] == []
    path = f"{BASE}/check_requests"
    eve.refused(403, "M_FORBIDDEN", "POST", path, body={"room_id": room})
    eve.refused(400, "M_INVALID_PARAM", "POST", path, body={"users": [alice.user_id]})
    alice.refused(400, "M_INVALID_PARAM", "POST", path, body={"users": []})
    alice.refused(404, "M_NOT_FOUND", "POST", path, body={"users": ["@nobody:localhost"]})


def test_the_tower_asks_and_counts(mayor: tuple[User, Officer], person: Make) -> None:
    user, officer = mayor
    alice, bob, carol = person("alice"), person("bob"), person("carol")
    for each in (alice, bob, carol):
        each.put(f"{BASE}/area", body={"area": "gyeongpo"})
    since = alice.sync()["next_batch"]
    name = user.post(f"{BASE}/safety_calls", body=officer.call(areas=["gyeongpo"]))["id"]
    calls = alice.sync_until(lambda answer: SECTION in answer, since)[SECTION]["calls"]
    assert [(each["id"], each["signed_by"]) for each in calls] == [(name, [officer.name])]
    alice.post(CHECK_INS, body={"answer": "safe", "request": name})
    bob.post(CHECK_INS, body={"answer": "safe", "request": name})
    bob.post(CHECK_INS, body={"answer": "help", "request": name, "where": [37.80, 128.90]})
    told = user.get(f"{BASE}/tower/check_ins", name)
    assert told["areas"]["gyeongpo"] == {"safe": 1, "help": 1, "silent": 1}
    assert [(each["user_id"], each["where"]) for each in told["help"]] == [(bob.user_id, [37.8, 128.9])]
    assert told["silent"] == [carol.user_id]
    alice.refused(403, "M_FORBIDDEN", "GET", f"{BASE}/tower/check_ins", name)
    user.refused(404, "M_NOT_FOUND", "GET", f"{BASE}/tower/check_ins", "0" * 32)
    stranger = Officer("도둑")
    user.refused(403, "M_FORBIDDEN", "POST", f"{BASE}/safety_calls", body=stranger.call())


def test_what_is_said_in_an_exercise_is_no_answer_to_a_real_question(
    mayor: tuple[User, Officer], person: Make
) -> None:
    user, officer = mayor
    alice, bob = person("alice"), person("bob")
    friends(alice, bob)
    for each in (alice, bob):
        each.put(f"{BASE}/area", body={"area": "okgye"})
    real = user.post(f"{BASE}/safety_calls", body=officer.call(areas=["okgye"], status="Actual"))["id"]
    play = user.post(f"{BASE}/safety_calls", body=officer.call(areas=["okgye"]))["id"]
    alice.post(CHECK_INS, body={"answer": "help", "request": play})
    bob.post(CHECK_INS, body={"answer": "safe"})
    assert user.get(f"{BASE}/tower/check_ins", real)["areas"]["okgye"] == {"safe": 1, "silent": 1}
    assert user.get(f"{BASE}/tower/check_ins", play)["areas"]["okgye"] == {"help": 1, "safe": 1, "silent": 0}
    said = {each["user_id"]: each.get("exercise") for each in bob.get(CHECK_INS)["check_ins"]}
    assert said == {alice.user_id: True, bob.user_id: None}
    listed = {each["user_id"]: each for each in user.get(f"{BASE}/tower/picture")["help"]}
    assert listed[alice.user_id]["exercise"] is True
    alice.post(CHECK_INS, body={"answer": "safe", "request": real})
    assert user.get(f"{BASE}/tower/check_ins", real)["areas"]["okgye"] == {"safe": 2, "silent": 0}
    assert user.get(f"{BASE}/tower/check_ins", play)["areas"]["okgye"] == {"safe": 1, "silent": 1}


def test_odd_check_ins(person: Make) -> None:
    alice = person("alice")
    for body in (
        {},
        {"answer": "maybe"},
        {"answer": "safe", "where": [1]},
        {"answer": "safe", "where": [91, 0]},
        {"answer": "safe", "where": [True, False]},
        {"answer": "safe", "where": "x" * 1_000},
        {"answer": "safe", "with": "alice"},
        {"answer": "safe", "with": ["x"] * 100},
        {"answer": "safe", "request": "mine"},
        {"answer": "safe", "mood": "good"},
    ):
        alice.refused(400, "M_INVALID_PARAM", "POST", CHECK_INS, body=body)
    alice.refused(400, "M_BAD_JSON", "PUT", f"{BASE}/area", body={"area": "a b"})
