"""Push rules: the endpoints, and that they change what counts."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api.client import Json, User
from tests.api.test_receipts import counts


def own(user: User, kind: str) -> list[str]:
    rules = user.get("pushrules/global/")[kind]
    return [rule["rule_id"] for rule in rules if not rule["default"]]


def put(user: User, kind: str, rule_id: str, body: object, **query: str) -> Any:
    return user.expect(200, "PUT", "pushrules/global", kind, rule_id, body=body, query=query)


def rules_of(answer: Json) -> Json | None:
    for event in answer.get("account_data", {}).get("events", []):
        if event["type"] == "m.push_rules":
            content: Json = event["content"]
            return content
    return None


def test_everybody_has_the_default_rules(alice: User) -> None:
    rules = alice.get("pushrules/")
    assert rules_of(alice.sync()) == rules
    assert alice.get("user", alice.user_id, "account_data", "m.push_rules") == rules
    assert rules["global"]["override"][0]["rule_id"] == ".m.rule.master"
    assert rules["global"]["underride"][-1]["rule_id"] == ".m.rule.encrypted"
    mention = alice.get("pushrules/global/override/.m.rule.is_user_mention")
    assert mention["conditions"][0]["value"] == alice.user_id
    path = ("user", alice.user_id, "account_data", "m.push_rules")
    alice.refused(405, "M_BAD_JSON", "PUT", *path, body={})


def test_rules_are_added_ordered_changed_and_deleted(alice: User) -> None:
    since = alice.sync()["next_batch"]
    put(alice, "content", "cake", {"pattern": "cake*lie", "actions": ["notify", "dont_notify"]})
    answer = alice.sync_until(lambda found: rules_of(found) is not None, since)
    changed = rules_of(answer)
    assert changed is not None
    assert changed["global"]["content"][0] == {
        **{"rule_id": "cake", "default": False, "enabled": True},
        **{"pattern": "cake*lie", "actions": ["notify"]},
    }
    for rule_id in ("a", "b"):
        put(alice, "content", rule_id, {"pattern": rule_id, "actions": []})
    assert own(alice, "content") == ["b", "a", "cake"]
    put(alice, "content", "c", {"pattern": "c", "actions": []}, after="b")
    put(alice, "content", "b", {"pattern": "b", "actions": []}, before="cake")
    assert own(alice, "content") == ["c", "a", "b", "cake"]
    alice.put("pushrules/global/content/a/enabled", body={"enabled": False})
    assert alice.get("pushrules/global/content/a/enabled") == {"enabled": False}
    alice.put("pushrules/global/content/a/actions", body={"actions": ["notify"]})
    assert alice.get("pushrules/global/content/a/actions") == {"actions": ["notify"]}
    assert alice.get("pushrules/global/content/a")["enabled"] is False
    alice.delete("pushrules/global/content/a")
    assert own(alice, "content") == ["c", "b", "cake"]
    alice.put("pushrules/global/override/.m.rule.master/enabled", body={"enabled": True})
    assert alice.get("pushrules/global/override/.m.rule.master")["enabled"] is True


def test_rules_set_at_the_same_moment_all_stand(alice: User) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: put(alice, "sender", f"@u{n}:localhost", {"actions": []}), range(24)))
    assert sorted(own(alice, "sender")) == sorted(f"@u{n}:localhost" for n in range(24))


def test_own_rules_change_what_counts(alice: User, bob: User) -> None:
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    alice.send(room, "하나")
    assert counts(bob, room) == (1, 0)
    put(bob, "room", room, {"actions": []})
    assert counts(bob, room) == (0, 0)
    put(bob, "content", "word", {"pattern": "불*", "actions": ["notify", {"set_tweak": "highlight"}]})
    alice.send(room, "산에 불이 났어요")
    assert counts(bob, room) == (1, 1)
    since = bob.sync()["next_batch"]
    alice.send(room, "불났다")
    answer = bob.sync_until(lambda found: room in found.get("rooms", {}).get("join", {}), since)
    assert answer["rooms"]["join"][room]["unread_notifications"] == {
        **{"notification_count": 2, "highlight_count": 2}
    }
    bob.put("pushrules/global/override/.m.rule.master/enabled", body={"enabled": True})
    assert counts(bob, room) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "rule_id", "body", "errcode"),
    [
        ("odd", "x", {"actions": []}, "M_INVALID_PARAM"),
        ("content", ".x", {"actions": [], "pattern": "x"}, "M_INVALID_PARAM"),
        ("content", "a\\b", {"actions": [], "pattern": "x"}, "M_INVALID_PARAM"),
        ("content", "x" * 256, {"actions": [], "pattern": "x"}, "M_INVALID_PARAM"),
        ("content", "x", {"pattern": "x"}, "M_MISSING_PARAM"),
        ("content", "x", {"actions": []}, "M_MISSING_PARAM"),
        ("content", "x", {"actions": [], "pattern": 7}, "M_BAD_JSON"),
        ("content", "x", {"actions": [], "pattern": "*a" * 300}, "M_INVALID_PARAM"),
        ("content", "x", {"actions": "notify", "pattern": "x"}, "M_BAD_JSON"),
        ("content", "x", {"actions": [7], "pattern": "x"}, "M_INVALID_PARAM"),
        ("content", "x", {"actions": [{}], "pattern": "x"}, "M_INVALID_PARAM"),
        ("content", "x", {"actions": [["notify"]], "pattern": "x"}, "M_INVALID_PARAM"),
        ("override", "x", {"actions": [], "conditions": {}}, "M_BAD_JSON"),
        ("override", "x", {"actions": [], "conditions": ["x"]}, "M_BAD_JSON"),
        ("override", "x", {"actions": [], "conditions": [{}] * 21}, "M_INVALID_PARAM"),
    ],
)
def test_bad_rules_are_refused(alice: User, kind: str, rule_id: str, body: Json, errcode: str) -> None:
    alice.refused(400, errcode, "PUT", "pushrules/global", kind, rule_id, body=body)


def test_rules_are_bounded(alice: User) -> None:
    for number in range(2):
        condition = {"kind": "event_property_is", "key": "type", "value": "x" * 200_000}
        put(alice, "override", f"r{number}", {"actions": [], "conditions": [condition]})
    big = {"actions": [], "conditions": [condition]}
    alice.refused(413, "M_TOO_LARGE", "PUT", "pushrules/global/override/r2", body=big)
    for number in range(100):
        put(alice, "content", f"c{number}", {"actions": [], "pattern": "x"})
    one_more = {"actions": [], "pattern": "x"}
    alice.refused(400, "M_INVALID_PARAM", "PUT", "pushrules/global/content/one-more", body=one_more)
    put(alice, "content", "c1", {"actions": [], "pattern": "y"})


def test_rules_that_are_not_there(alice: User) -> None:
    for path in (("x",), ("x", "enabled"), ("x", "actions")):
        alice.refused(404, "M_NOT_FOUND", "GET", "pushrules/global/content", *path)
    alice.refused(404, "M_NOT_FOUND", "DELETE", "pushrules/global/content/x")
    alice.refused(404, "M_NOT_FOUND", "PUT", "pushrules/global/content/x/enabled", body={"enabled": True})
    alice.refused(400, "M_MISSING_PARAM", "PUT", "pushrules/global/content/x/enabled", body={})
    alice.refused(400, "M_INVALID_PARAM", "DELETE", "pushrules/global/override/.m.rule.master")
    body = {"actions": [], "pattern": "x"}
    for name in ("before", "after"):
        alice.refused(
            400, "M_UNKNOWN", "PUT", "pushrules/global/content/y", body=body, query={name: "nothing"}
        )


def test_hostile_rules_and_texts_cost_little(alice: User, bob: User) -> None:
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    stars = "*a" * 250 + "b"
    for number in range(5):
        conditions = [{"kind": "event_match", "key": "content.body", "pattern": stars}] * 20
        put(bob, "override", f"x{number}", {"actions": [], "conditions": conditions})
    put(bob, "content", "questions", {"actions": [], "pattern": "?" * 500 + "b"})
    odd = [{"kind": "unheard_of"}, {"kind": 7}, {}, {"kind": "room_member_count", "is": "<<2"}]
    for number, condition in enumerate(odd):
        put(bob, "override", f"odd{number}", {"actions": ["notify"], "conditions": [condition]})
    alice.send(room, "a" * 50_000)
    assert counts(bob, room) == (1, 0)
