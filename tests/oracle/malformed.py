"""Values and events as a careless or hostile author might send them."""

from random import Random
from typing import Any

from tests.helpers.room_graph import USERS

ALICE, BOB, CAROL, DAN = USERS[:4]
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    50,
    100,
    -1,
    "50",
    "",
    [],
    [1],
    ["@x:y"],
    ["@x"],
    {},
    {"a": 1},
    {"a": "1"},
    {"bad": 1},
    {ALICE: 100},
    {ALICE: 100, BOB: 100},
    {BOB: True},
    {CAROL: 50, DAN: 0},
    {"m.room.topic": 75},
    {"signed": {}},
    {"signed": {"mxid": BOB, "token": "t"}},
    BOB,
    "@x:y",
    "@bad",
)
_LEVELS = (
    "users",
    "users_default",
    "events",
    "events_default",
    "state_default",
    "ban",
    "kick",
    "redact",
    "invite",
    "notifications",
)
_MEMBERSHIPS = ("join", "leave", "ban", "invite", "knock", "unheard-of", 1)
_SCALARS = (
    0,
    1,
    -1,
    2**53 - 1,
    -(2**53) + 1,
    True,
    None,
    "",
    "가나다",
    '\0\x1f\x7f"\\/\b\u2028',
    "\U0001f600",
)
_NAMES = ("a", "b", "Z", "", "가", "\uffff", "\U0001f600")


def value(rng: Random, depth: int = 0) -> Any:
    """Any JSON value that canonical JSON allows."""
    shape = rng.randrange(4) if depth < 4 else 0
    if shape == 1:
        return [value(rng, depth + 1) for _ in range(3)]
    if shape == 2:
        return {rng.choice(_NAMES): value(rng, depth + 1) for _ in range(3)}
    return rng.choice(_SCALARS)


def state_event(rng: Random, levels: dict[str, Any]) -> tuple[str, dict[str, Any], str | None]:
    """Type, content and state key of an event that may or may not be one.

    Args:
        levels: the power levels before it, to be changed a little.
    """
    kind = rng.randrange(4)
    if kind == 0:
        changes = {rng.choice(_LEVELS): rng.choice(VALUES) for _ in range(rng.randrange(1, 3))}
        return "m.room.power_levels", {**levels, **changes}, ""
    if kind == 1:
        extra = rng.choice(("third_party_invite", "join_authorised_via_users_server", "reason"))
        content = {"membership": rng.choice(_MEMBERSHIPS), extra: rng.choice((*VALUES, ALICE, BOB, CAROL))}
        return "m.room.member", content, rng.choice((*USERS, "", "@bad"))
    if kind == 2:
        return "m.room.join_rules", {"join_rule": rng.choice(VALUES)}, ""
    type = rng.choice(("m.room.third_party_invite", "m.room.topic", "m.room.aliases", "kr.example.x"))
    return type, {"public_key": "x"}, rng.choice((*USERS, "", "t", None))
