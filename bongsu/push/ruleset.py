"""A user's rules: the defaults, and what the user has changed. Pure; each edit returns a new value to store.

Stored: {"rules": {kind: [the user's own, first counts first]}, "changed": {kind: {rule id: fields}}}.
"""

from typing import Any

from bongsu import limits
from bongsu.errors import MatrixError, bad_json, invalid_param, missing_param, not_found
from bongsu.push.defaults import KINDS, MASTER, PERSONAL, Rule, defaults
from bongsu.push.rules import Ruleset

Stored = dict[str, Any]


def merged(stored: Stored | None, user_id: str) -> dict[str, list[Rule]]:
    """Every rule by kind, in order: the master rule, the user's own, the other defaults."""
    own: dict[str, list[Rule]] = (stored or {}).get("rules", {})
    changed: dict[str, dict[str, Any]] = (stored or {}).get("changed", {})
    found: dict[str, list[Rule]] = {}
    for kind, rules in defaults(user_id).items():
        default_rules = [{**rule, **changed.get(kind, {}).get(rule["rule_id"], {})} for rule in rules]
        first = [rule for rule in default_rules if rule["rule_id"] == MASTER]
        found[kind] = [*first, *own.get(kind, []), *(rule for rule in default_rules if rule not in first)]
    return found


def shown(stored: Stored | None, user_id: str) -> dict[str, Any]:
    """The content of m.push_rules."""
    return {"global": merged(stored, user_id)}


def ruleset(stored: Stored | None, user_id: str) -> Ruleset:
    """The rules that are enabled, ready to be evaluated."""
    enabled = {
        kind: [rule for rule in rules if rule["enabled"]] for kind, rules in merged(stored, user_id).items()
    }
    return Ruleset(
        tuple(enabled["override"]),
        tuple(enabled["content"]),
        {rule["rule_id"]: rule for rule in enabled["room"]},
        {rule["rule_id"]: rule for rule in enabled["sender"]},
        tuple(enabled["underride"]),
    )


def neutral() -> Ruleset:
    """The default rules that judge alike for every member."""
    rules = ruleset(None, "")
    return Ruleset(
        tuple(rule for rule in rules.override if rule["rule_id"] not in PERSONAL),
        (),
        {},
        {},
        rules.underride,
    )


def find(stored: Stored | None, user_id: str, kind: str, rule_id: str) -> Rule:
    """One rule.

    Raises:
        MatrixError: 404 M_NOT_FOUND; 400 M_INVALID_PARAM for a kind there is none of.
    """
    _check_kind(kind)
    for rule in merged(stored, user_id)[kind]:
        if rule["rule_id"] == rule_id:
            return rule
    raise not_found("There is no such push rule.")


def with_rule(
    stored: Stored | None,
    kind: str,
    rule_id: str,
    body: dict[str, Any],
    before: str | None,
    after: str | None,
) -> Stored:
    """Add a rule of the user's own, or change it.

    Raises:
        MatrixError: 400, the sentence says what of the rule cannot be used.
    """
    _check_kind(kind)
    _check_rule_id(rule_id)
    own = list(_own(stored, kind))
    known = next((rule for rule in own if rule["rule_id"] == rule_id), None)
    rule: Rule = {
        "rule_id": rule_id,
        "default": False,
        "enabled": True if known is None else known["enabled"],
        "actions": checked_actions(body),
    }
    if kind in ("override", "underride"):
        rule["conditions"] = _conditions(body)
    if kind == "content":
        rule["pattern"] = _pattern(body)
    if known is not None and before is None and after is None:
        own[own.index(known)] = rule
    else:
        own = [each for each in own if each is not known]
        own.insert(_place(own, before, after), rule)
    most = limits.PUSH_RULES_BY_ID_MAX if kind in ("room", "sender") else limits.PUSH_RULES_MAX
    if len(own) > most:
        raise invalid_param(f"You may have {most} push rules of the kind {kind}. Delete one first.")
    return _with_own(stored, kind, own)


def without_rule(stored: Stored | None, kind: str, rule_id: str) -> Stored:
    """Delete a rule of the user's own.

    Raises:
        MatrixError: 404 if there is none; 400 for a default rule.
    """
    _check_kind(kind)
    if rule_id.startswith("."):
        raise invalid_param("A default rule cannot be deleted. Disable it instead.")
    own = _own(stored, kind)
    if all(rule["rule_id"] != rule_id for rule in own):
        raise not_found("There is no such push rule.")
    return _with_own(stored, kind, [rule for rule in own if rule["rule_id"] != rule_id])


def with_fields(
    stored: Stored | None, user_id: str, kind: str, rule_id: str, fields: dict[str, Any]
) -> Stored:
    """Change `enabled` or `actions` of a rule, a default one too.

    Raises:
        MatrixError: 404 if there is no such rule.
    """
    known = find(stored, user_id, kind, rule_id)
    if not known["default"]:
        own = [{**rule, **fields} if rule["rule_id"] == rule_id else rule for rule in _own(stored, kind)]
        return _with_own(stored, kind, own)
    changed = dict((stored or {}).get("changed", {}))
    of_kind = dict(changed.get(kind, {}))
    of_kind[rule_id] = {**of_kind.get(rule_id, {}), **fields}
    return {"rules": (stored or {}).get("rules", {}), "changed": {**changed, kind: of_kind}}


def with_successor(stored: Stored | None, old_id: str, new_id: str) -> Stored | None:
    """The rules of the user's own that name a room, again for the room that replaced it; in their places."""
    for kind in ("override", "room", "underride"):
        own = _own(stored, kind)
        known = {rule["rule_id"] for rule in own}
        more: list[Rule] = []
        for rule in own:
            conditions = [
                {**each, "pattern": new_id} if _names_room(each, old_id) else each
                for each in rule.get("conditions", [])
            ]
            rule_id = rule["rule_id"].replace(old_id, new_id)
            is_of_old = rule["rule_id"] == old_id or conditions != rule.get("conditions", [])
            more.append(rule)
            if is_of_old and rule_id not in known:
                more.append(
                    {**rule, "rule_id": rule_id, **({"conditions": conditions} if conditions else {})}
                )
        most = limits.PUSH_RULES_BY_ID_MAX if kind == "room" else limits.PUSH_RULES_MAX
        if len(own) < len(more) <= most:
            stored = _with_own(stored, kind, more)
    return stored


def _names_room(condition: Any, room_id: str) -> bool:
    return isinstance(condition, dict) and (condition.get("key"), condition.get("pattern")) == (
        "room_id",
        room_id,
    )


def checked_actions(body: dict[str, Any]) -> list[Any]:
    """The actions of a request, less those of the past, which are to be ignored.

    Raises:
        MatrixError: 400.
    """
    actions = body.get("actions")
    if actions is None:
        raise missing_param("The body lacks `actions`.")
    if not isinstance(actions, list) or len(actions) > limits.PUSH_ACTIONS_MAX:
        raise bad_json(f"`actions` must be a list of at most {limits.PUSH_ACTIONS_MAX} actions.")
    for action in actions:
        tweak = action.get("set_tweak") if isinstance(action, dict) else None
        if action not in ("notify", "dont_notify", "coalesce") and not isinstance(tweak, str):
            raise invalid_param('An action is "notify" or an object with `set_tweak`.')
    return [action for action in actions if action not in ("dont_notify", "coalesce")]


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise invalid_param(f"There are push rules of the kinds {', '.join(KINDS)}.")


def _check_rule_id(rule_id: str) -> None:
    if not rule_id or rule_id.startswith(".") or "/" in rule_id or "\\" in rule_id:
        raise invalid_param("The id of a push rule may not begin with a dot or hold a slash or backslash.")
    if len(rule_id.encode("utf-8", "replace")) > limits.ID_BYTES_MAX:
        raise invalid_param(f"The id of a push rule may have {limits.ID_BYTES_MAX} bytes.")


def _conditions(body: dict[str, Any]) -> list[Any]:
    conditions = body.get("conditions", [])
    if not isinstance(conditions, list) or not all(isinstance(each, dict) for each in conditions):
        raise bad_json("`conditions` must be a list of objects.")
    if len(conditions) > limits.PUSH_CONDITIONS_MAX:
        raise invalid_param(f"A push rule may have {limits.PUSH_CONDITIONS_MAX} conditions.")
    for condition in conditions:
        for name in ("key", "pattern", "is"):
            if len(str(condition.get(name, ""))) > limits.GLOB_CHARACTERS_MAX:
                raise invalid_param(f"`{name}` may have {limits.GLOB_CHARACTERS_MAX} characters.")
    return conditions


def _pattern(body: dict[str, Any]) -> str:
    pattern = body.get("pattern")
    if pattern is None:
        raise missing_param("A content rule needs a `pattern`.")
    if not isinstance(pattern, str):
        raise bad_json("`pattern` must be a string.")
    if len(pattern) > limits.GLOB_CHARACTERS_MAX:
        raise invalid_param(f"`pattern` may have {limits.GLOB_CHARACTERS_MAX} characters.")
    return pattern


def _place(own: list[Rule], before: str | None, after: str | None) -> int:
    """Where a rule goes: first, unless the request names the rule behind it or the one ahead of it."""
    ids = [rule["rule_id"] for rule in own]
    for name in (before, after):
        if name is not None and name not in ids:
            raise MatrixError(400, "M_UNKNOWN", f"There is no rule {name[:255]} to put this one beside.")
    if before is not None:
        return ids.index(before)
    return 0 if after is None else ids.index(after) + 1


def _own(stored: Stored | None, kind: str) -> list[Rule]:
    own: list[Rule] = (stored or {}).get("rules", {}).get(kind, [])
    return own


def _with_own(stored: Stored | None, kind: str, own: list[Rule]) -> Stored:
    rules = (stored or {}).get("rules", {})
    return {"rules": {**rules, kind: own}, "changed": (stored or {}).get("changed", {})}
