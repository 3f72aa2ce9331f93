"""Conditions of push rules, and the order in which rules are asked."""

from typing import Any

import pytest

from bongsu.push.defaults import defaults
from bongsu.push.rules import HIGHLIGHT, NOTHING, NOTIFY, Facts, Ruleset, evaluate, outcome, tweaks
from bongsu.push.ruleset import ruleset, with_fields, with_rule

ALICE, BOB = "@alice:bongsu.example", "@bob:bongsu.example"
Json = dict[str, Any]


def facts(
    content: Json, *, may: bool = False, count: int = 3, name: str | None = "봉수", **event: Any
) -> Facts:
    fields = {"type": "m.room.message", "sender": ALICE, "room_id": "!r", "content": content, **event}
    return Facts(fields, BOB, lambda: name, lambda: count, lambda key: may)


def holds(condition: Json, found: Facts) -> bool:
    rule = {"rule_id": "x", "conditions": [condition], "actions": ["notify"], "enabled": True}
    return evaluate(Ruleset((rule,), (), {}, {}, ()), found) == ["notify"]


@pytest.mark.parametrize(
    ("key", "pattern", "content", "expected"),
    [
        ("content.topic", "lunc?*", {"topic": "Lunch plans"}, True),
        ("content.topic", "lunc?*", {"topic": "LUNCH"}, True),
        ("content.topic", "lunc?*", {"topic": " lunch"}, False),
        ("content.topic", "lunc?*", {"topic": "lunc"}, False),
        ("content.topic", "*", {"topic": None}, False),
        ("content.topic", "*", {}, False),
        ("content.topic", "*", {"topic": {"a": "b"}}, False),
        ("content.body", "ex*ple", {"body": "An example event."}, True),
        ("content.body", "ex*ple", {"body": "exple"}, True),
        ("content.body", "ex*ple", {"body": "An exciting triple-whammy"}, True),
        ("content.body", "ex*ple", {"body": "hexample"}, False),
        ("content.body", "cake", {"body": "pancakes"}, False),
        ("content.body", "cake", {"body": "케이크cake케이크"}, True),
        ("content.body", "", {"body": ""}, False),
        (r"content.m\.x.y", "z", {"m.x": {"y": "Z"}}, True),
        (r"content.a\\b", "z", {"a\\b": "z"}, True),
        (r"content.a\b", "z", {"a\\b": "z"}, True),
        ("content.m.x", "z", {"m.x": "z"}, False),
    ],
)
def test_event_match(key: str, pattern: str, content: Json, expected: bool) -> None:
    assert holds({"kind": "event_match", "key": key, "pattern": pattern}, facts(content)) is expected


@pytest.mark.parametrize(
    ("value", "found", "expected"),
    [
        (True, True, True),
        (True, "true", False),
        (True, 1, False),
        (1, True, False),
        (1, 1, True),
        (None, None, True),
        ("a", "A", False),
        ("a", ["a"], False),
        ({}, {}, False),
    ],
)
def test_event_property(value: Any, found: Any, expected: bool) -> None:
    condition = {"key": "content.k", "value": value}
    assert holds({"kind": "event_property_is", **condition}, facts({"k": found})) is expected
    assert holds({"kind": "event_property_contains", **condition}, facts({"k": [found]})) is expected
    assert not holds({"kind": "event_property_is", **condition}, facts({}))
    if not isinstance(found, list):
        assert not holds({"kind": "event_property_contains", **condition}, facts({"k": found}))


@pytest.mark.parametrize(
    ("is_", "expected"),
    [("2", True), ("==2", True), ("<3", True), (">2", False), (">=2", True), ("<=1", False)],
)
def test_room_member_count(is_: str, expected: bool) -> None:
    assert holds({"kind": "room_member_count", "is": is_}, facts({}, count=2)) is expected


@pytest.mark.parametrize("condition", [{}, {"kind": "new"}, {"kind": []}, {"kind": "room_member_count"}])
def test_what_is_not_understood_does_not_match(condition: Json) -> None:
    if isinstance(condition.get("kind"), list):
        condition = {"kind": None}
    assert not holds(condition, facts({}))
    for kind in ("event_match", "event_property_is", "sender_notification_permission"):
        assert not holds({"kind": kind, "key": 7, "pattern": 7, "value": 7}, facts({}, may=True))


@pytest.mark.parametrize(
    ("content", "may", "expected"),
    [
        ({"msgtype": "m.text", "body": "hi"}, False, NOTIFY),
        ({"msgtype": "m.notice", "body": "봉수"}, False, NOTHING),
        ({"msgtype": "m.text", "body": "우리 봉수는"}, False, HIGHLIGHT),
        ({"msgtype": "m.text", "body": "봉수", "m.mentions": {}}, False, NOTIFY),
        ({"body": "x", "m.mentions": {"user_ids": [BOB]}}, False, HIGHLIGHT),
        ({"body": "x", "m.mentions": {"room": True}}, False, NOTIFY),
        ({"body": "x", "m.mentions": {"room": True}}, True, HIGHLIGHT),
        ({"body": "x", "m.relates_to": {"rel_type": "m.replace"}}, False, NOTHING),
    ],
)
def test_the_default_rules(content: Json, may: bool, expected: int) -> None:
    assert outcome(evaluate(ruleset(None, BOB), facts(content, may=may))) == expected


def test_the_default_rules_for_other_events() -> None:
    def of(content: Json, **event: Any) -> list[Any]:
        return evaluate(ruleset(None, BOB), facts(content, **event))

    assert outcome(of({}, type="m.reaction")) == NOTHING
    assert outcome(of({}, type="m.room.encrypted")) == NOTIFY
    assert tweaks(of({}, type="m.room.encrypted", count=2)) == {"sound": "default"}
    assert tweaks(of({}, type="m.call.invite")) == {"sound": "ring"}
    assert outcome(of({}, type="m.room.tombstone", state_key="")) == HIGHLIGHT
    assert outcome(of({}, type="m.room.tombstone")) == NOTHING
    invite = {"membership": "invite"}
    assert outcome(of(invite, type="m.room.member", state_key=BOB)) == NOTIFY
    assert outcome(of(invite, type="m.room.member", state_key=ALICE)) == NOTHING


def test_the_order_of_rules() -> None:
    stored = with_rule(None, "room", "!r", {"actions": []}, None, None)
    assert evaluate(ruleset(stored, BOB), facts({"body": "x"})) == []
    stored = with_rule(stored, "content", "w", {"actions": ["notify"], "pattern": "x"}, None, None)
    assert evaluate(ruleset(stored, BOB), facts({"body": "x"})) == ["notify"]
    stored = with_rule(stored, "override", "o", {"actions": []}, None, None)
    assert evaluate(ruleset(stored, BOB), facts({"body": "x"})) == []
    stored = with_fields(stored, BOB, "override", "o", {"enabled": False})
    assert evaluate(ruleset(stored, BOB), facts({"body": "x"})) == ["notify"]
    stored = with_fields(stored, BOB, "override", ".m.rule.master", {"enabled": True})
    assert evaluate(ruleset(stored, BOB), facts({"body": "x"})) == []


def test_every_default_rule_has_a_dot_and_a_home() -> None:
    for rules in defaults(BOB).values():
        assert all(rule["rule_id"].startswith(".m.rule.") and rule["default"] for rule in rules)


def test_a_highlight_may_be_taken_back() -> None:
    assert tweaks([{"set_tweak": "highlight"}]) == {"highlight": True}
    assert outcome(["notify", {"set_tweak": "highlight", "value": False}]) == NOTIFY
    assert outcome([{"set_tweak": "highlight"}]) == NOTHING
