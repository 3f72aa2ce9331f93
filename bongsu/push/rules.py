"""Evaluating push rules against an event. Pure, and linear in what clients write."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bongsu import limits
from bongsu.globs import contains, contains_word, matches
from bongsu.push.defaults import LEGACY

NOTHING, NOTIFY, HIGHLIGHT = 0, 1, 2

_ABSENT = object()
_COUNT = re.compile(r"(==|<=|>=|<|>|)([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules ask about. Functions are called only where a rule wants to know."""

    event: Mapping[str, Any]
    user_id: str
    display_name: Callable[[], str | None]
    member_count: Callable[[], int]
    sender_may: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Ruleset:
    """A user's rules in the order they are checked; rules for one room or sender are found by its id."""

    override: tuple[dict[str, Any], ...]
    content: tuple[dict[str, Any], ...]
    room: Mapping[str, dict[str, Any]]
    sender: Mapping[str, dict[str, Any]]
    underride: tuple[dict[str, Any], ...]


def evaluate(rules: Ruleset, facts: Facts) -> list[Any]:
    """The actions of the first rule that matches; [] if none does."""
    event = facts.event
    for rule in rules.override:
        if _matches(rule, facts):
            return _actions(rule)
    for rule in rules.content:
        if _body_matches(rule.get("pattern"), event):
            return _actions(rule)
    for by_id, name in ((rules.room, "room_id"), (rules.sender, "sender")):
        found = by_id.get(event[name])
        if found is not None:
            return _actions(found)
    for rule in rules.underride:
        if _matches(rule, facts):
            return _actions(rule)
    return []


def outcome(actions: list[Any]) -> int:
    """NOTHING, NOTIFY, or HIGHLIGHT: a notification that is to stand out."""
    return NOTHING if "notify" not in actions else HIGHLIGHT if tweaks(actions).get("highlight") else NOTIFY


def tweaks(actions: list[Any]) -> dict[str, Any]:
    """The tweaks that actions set. A highlight without a value is true."""
    found: dict[str, Any] = {}
    for action in actions:
        if isinstance(action, dict) and isinstance(action.get("set_tweak"), str):
            name = action["set_tweak"]
            if "value" in action:
                found[name] = action["value"]
            elif name == "highlight":
                found[name] = True
    return found


def _actions(rule: dict[str, Any]) -> list[Any]:
    actions: list[Any] = rule["actions"]
    return actions


def _matches(rule: dict[str, Any], facts: Facts) -> bool:
    if rule["rule_id"] in LEGACY and "m.mentions" in facts.event["content"]:
        return False
    return all(_holds(condition, facts) for condition in rule["conditions"])


def _holds(condition: Any, facts: Facts) -> bool:
    check = _CONDITIONS.get(condition.get("kind")) if isinstance(condition, dict) else None
    return check is not None and check(condition, facts)


def _event_match(condition: dict[str, Any], facts: Facts) -> bool:
    key, pattern = condition.get("key"), condition.get("pattern")
    if not isinstance(key, str) or not isinstance(pattern, str):
        return False
    if key == "content.body":
        return _body_matches(pattern, facts.event)
    value = _property(facts.event, key)
    return isinstance(value, str) and matches(pattern.lower(), looked_at(value))


def _body_matches(pattern: Any, event: Mapping[str, Any]) -> bool:
    body = event["content"].get("body")
    return (
        isinstance(body, str)
        and isinstance(pattern, str)
        and pattern != ""
        and contains(pattern.lower(), looked_at(body))
    )


def looked_at(value: str) -> str:
    """The part of a text that rules look at, so that a long text cannot hold up a room."""
    return value[: limits.PUSH_TEXT_CHARACTERS_MAX].lower()


def _event_property_is(condition: dict[str, Any], facts: Facts) -> bool:
    key = condition.get("key")
    return (
        isinstance(key, str)
        and "value" in condition
        and _same(_property(facts.event, key), condition["value"])
    )


def _event_property_contains(condition: dict[str, Any], facts: Facts) -> bool:
    key = condition.get("key")
    if not isinstance(key, str) or "value" not in condition:
        return False
    found = _property(facts.event, key)
    return isinstance(found, list) and any(_same(entry, condition["value"]) for entry in found)


def _same(found: Any, wanted: Any) -> bool:
    return type(found) is type(wanted) and isinstance(found, str | int | None) and found == wanted


def _contains_display_name(condition: dict[str, Any], facts: Facts) -> bool:
    body = facts.event["content"].get("body")
    name = facts.display_name() if isinstance(body, str) else None
    return bool(name) and names(str(name), str(body))


def names(display_name: str, body: str) -> bool:
    """Whether a text names somebody, as a word of its own."""
    name = display_name.strip().lower()
    return name != "" and contains_word(name, looked_at(body))


def _room_member_count(condition: dict[str, Any], facts: Facts) -> bool:
    wanted = condition.get("is")
    parsed = _COUNT.fullmatch(wanted) if isinstance(wanted, str) else None
    if parsed is None:
        return False
    count, bound = facts.member_count(), int(parsed[2])
    return {
        "": count == bound,
        "==": count == bound,
        "<": count < bound,
        ">": count > bound,
        "<=": count <= bound,
        ">=": count >= bound,
    }[parsed[1]]


def _sender_notification_permission(condition: dict[str, Any], facts: Facts) -> bool:
    key = condition.get("key")
    return isinstance(key, str) and facts.sender_may(key)


_CONDITIONS: dict[Any, Callable[[dict[str, Any], Facts], bool]] = {
    "event_match": _event_match,
    "event_property_is": _event_property_is,
    "event_property_contains": _event_property_contains,
    "contains_display_name": _contains_display_name,
    "room_member_count": _room_member_count,
    "sender_notification_permission": _sender_notification_permission,
}


def _property(event: Mapping[str, Any], key: str) -> Any:
    value: Any = event
    for step in _steps(key):
        if not isinstance(value, Mapping) or step not in value:
            return _ABSENT
        value = value[step]
    return value


@lru_cache(maxsize=4_096)
def _steps(key: str) -> tuple[str, ...]:
    r"""Split a path at its dots; `\.` is a dot and `\\` a backslash. Spec: § Dot-separated paths."""
    steps = [""]
    characters = iter(key)
    for character in characters:
        if character == ".":
            steps.append("")
        elif character == "\\":
            following = next(characters, "")
            steps[-1] += following if following in (".", "\\") else character + following
        else:
            steps[-1] += character
    return tuple(steps)
