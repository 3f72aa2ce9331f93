"""Rules 1 to 3 and 5 to 9, by their numbers in version 10; from rule 2 on, version 12 counts one more."""

from typing import Any

import pytest

from bongsu.room.auth import Rejected, can_redact, check, check_auth_events, user_may_redact
from bongsu.room.auth_types import CREATE, POWER_LEVELS, auth_types, select_auth_events
from bongsu.room.event import Event
from bongsu.room.power import PowerLevels
from bongsu.room.versions import VERSIONS
from tests.helpers.stage import ALICE, BOB, CAROL, DAN, ERIN, FRANK, SERVER, STRANGER, Stage

every_version = pytest.mark.parametrize("id", VERSIONS)


def number(id: str, rule: str | None) -> str | None:
    """A rule of version 10 in the count of `id`."""
    if id != "12" or rule is None:
        return rule
    first, *rest = rule.split(".")
    if first == "9" and int(rest[0]) >= 5:
        rest[0] = str(int(rest[0]) + 1)
    return ".".join([str(int(first) + 1), *rest])


@every_version
@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ({}, None),
        ({"room_version": "11"}, None),
        ({"room_version": "99"}, "1.3"),
        ({"room_version": 11}, "1.3"),
        ({"room_version": ["11"]}, "1.3"),
    ],
)
def test_create_events(id: str, content: dict[str, Any], rule: str | None) -> None:
    stage = Stage(id)
    stage.room_id = None if id == "12" else stage.room_id
    content = {"creator": ALICE, **content}
    assert stage.rule_against(stage.event(ALICE, "m.room.create", content, "", prev_events=())) == rule
    assert stage.rule_against(stage.event(ALICE, "m.room.create", content, "")) == "1.1"
    assert stage.rule_against(stage.event(ALICE, "m.room.create", content, "x", prev_events=())) == "1"


@pytest.mark.parametrize("id", ["10", "11"])
def test_a_room_id_is_of_the_creators_server(id: str) -> None:
    stage = Stage(id)
    event = stage.event(STRANGER, "m.room.create", {"creator": STRANGER}, "", prev_events=())
    assert stage.rule_against(event) == "1.2"


def test_version_10_wants_a_creator() -> None:
    stage = Stage("10")
    assert stage.rule_against(stage.event(ALICE, "m.room.create", {}, "", prev_events=())) == "1.4"


@pytest.mark.parametrize("additional", ["@bob:h", {"@bob:h": 1}, ["bob"], [1], [None]])
def test_additional_creators_are_user_ids(additional: Any) -> None:
    stage = Stage("12")
    stage.room_id = None
    content = {"additional_creators": additional}
    assert stage.rule_against(stage.event(ALICE, "m.room.create", content, "", prev_events=())) == "1.4"
    content = {"additional_creators": ["@bob:h"]}
    assert stage.rule_against(stage.event(ALICE, "m.room.create", content, "", prev_events=())) is None


def test_a_create_event_of_version_12_with_a_room_id_is_rejected_however_it_came_in() -> None:
    create = Stage("12").create
    forged = Event.trusted({**create.pdu, "room_id": "!x"}, create.event_id, create.room_id)
    with pytest.raises(Rejected) as rejected:
        check(forged, VERSIONS["12"], {})
    assert rejected.value.rule == "1.2"


@every_version
def test_nothing_stands_without_the_rooms_own_create_event(id: str) -> None:
    stage = Stage(id)
    other = Stage(id, {"x": 1})
    event = stage.event(CAROL, "m.room.message", {})
    create = stage.state.pop(CREATE)
    rule = "2" if id == "12" else "2.4"
    assert stage.rule_against(event) == rule
    if id == "12":
        stage.state[CREATE] = other.create
        assert stage.rule_against(event) == rule
    stage.state[CREATE] = create
    assert stage.rule_against(event) is None
    wrong = Event.trusted(create.pdu, create.event_id, other.create.room_id[:-1] + "x")  # type: ignore[arg-type]
    stage.state[CREATE] = wrong
    assert stage.rule_against(event) == rule


@every_version
def test_a_closed_room_has_one_server(id: str) -> None:
    stage = Stage(id, {"m.federate": False})
    stage.member(STRANGER, "join")
    event = stage.event(STRANGER, "m.room.message", {})
    assert stage.rule_against(event) == number(id, "3")
    assert stage.rule_against(stage.event(CAROL, "m.room.message", {})) is None
    stage = Stage(id, {"m.federate": True})
    stage.member(STRANGER, "join")
    assert stage.rule_against(stage.event(STRANGER, "m.room.message", {})) is None


@every_version
@pytest.mark.parametrize(
    ("sender", "rule"), [(CAROL, None), (DAN, "5"), (ERIN, "5"), (FRANK, "5"), (STRANGER, "5")]
)
def test_only_members_send(id: str, sender: str, rule: str | None) -> None:
    stage = Stage(id)
    assert stage.rule_against(stage.event(sender, "m.room.message", {})) == number(id, rule)


@every_version
def test_third_party_invites_take_the_invite_level(id: str) -> None:
    stage = Stage(id)
    event = stage.event(CAROL, "m.room.third_party_invite", {}, "token")
    assert stage.rule_against(event) is None
    stage.levels(invite=50)
    assert stage.rule_against(event) == number(id, "6.1")


@every_version
def test_every_type_has_its_level(id: str) -> None:
    stage = Stage(id)
    topic = stage.event(CAROL, "m.room.topic", {}, "")
    message = stage.event(CAROL, "m.room.message", {})
    assert stage.rule_against(topic) == number(id, "7")
    assert stage.rule_against(message) is None
    stage.levels(events={"m.room.topic": 0, "m.room.message": 1}, state_default=100)
    assert stage.rule_against(topic) is None
    assert stage.rule_against(message) == number(id, "7")
    stage.levels(events_default=1, users_default=1)
    assert stage.rule_against(message) is None


@every_version
def test_a_user_id_as_state_key_is_its_owners(id: str) -> None:
    stage = Stage(id)
    assert stage.rule_against(stage.event(BOB, "kr.example.x", {}, BOB)) is None
    assert stage.rule_against(stage.event(BOB, "kr.example.x", {}, CAROL)) == number(id, "8")
    assert stage.rule_against(stage.event(BOB, "kr.example.x", {}, "@")) == number(id, "8")


LIST_OF_BOB = {"users": {BOB: 50}}


@every_version
@pytest.mark.parametrize(
    ("current", "new", "rule"),
    [
        # Shape.
        ({}, {**LIST_OF_BOB, "ban": "50"}, "9.1"),
        ({}, {**LIST_OF_BOB, "invite": None}, "9.1"),
        ({}, {**LIST_OF_BOB, "users_default": True}, "9.1"),
        ({}, {**LIST_OF_BOB, "events": []}, "9.2"),
        ({}, {**LIST_OF_BOB, "events": {"x": "1"}}, "9.2"),
        ({}, {**LIST_OF_BOB, "notifications": {"room": True}}, "9.2"),
        ({}, {"users": []}, "9.3"),
        ({}, {"users": {BOB: "50"}}, "9.3"),
        ({}, {"users": {"bob": 50}}, "9.3"),
        # Named levels.
        ({}, {**LIST_OF_BOB, "ban": 50, "kick": 0, "invite": -1}, None),
        ({}, {**LIST_OF_BOB, "ban": 51}, "9.5.2"),
        ({"ban": 51}, {**LIST_OF_BOB, "ban": 0}, "9.5.1"),
        ({"redact": 51}, LIST_OF_BOB, "9.5.1"),
        ({"redact": 50}, LIST_OF_BOB, None),
        ({"ban": 51}, {**LIST_OF_BOB, "ban": 51}, None),
        # Levels of types.
        ({}, {**LIST_OF_BOB, "events": {"x": 50}}, None),
        ({}, {**LIST_OF_BOB, "events": {"x": 51}}, "9.7.1"),
        ({"events": {"x": 51}}, {**LIST_OF_BOB, "events": {"x": 0}}, "9.6.1"),
        ({"events": {"x": 51}}, LIST_OF_BOB, "9.6.1"),
        ({"events": {"x": 51}}, {**LIST_OF_BOB, "events": {"x": 51, "y": 1}}, None),
        ({}, {**LIST_OF_BOB, "notifications": {"room": 51}}, "9.7.1"),
        ({"notifications": {"room": 51}}, LIST_OF_BOB, "9.6.1"),
        # Users.
        ({}, {"users": {BOB: 50, CAROL: 50}}, None),
        ({}, {"users": {BOB: 50, CAROL: 51}}, "9.9.1"),
        ({}, {"users": {BOB: 51}}, "9.9.1"),
        ({}, {"users": {BOB: 0}}, None),
        ({}, {}, None),
        ({"users": {BOB: 50, CAROL: 50}}, {"users": {BOB: 50, CAROL: 0}}, "9.8.1"),
        ({"users": {BOB: 50, CAROL: 50}}, LIST_OF_BOB, "9.8.1"),
        ({"users": {BOB: 50, CAROL: 49}}, LIST_OF_BOB, None),
        ({"users": {BOB: 50, CAROL: 100}}, {"users": {BOB: 0, CAROL: 100}}, None),
    ],
)
def test_power_levels(id: str, current: dict[str, Any], new: dict[str, Any], rule: str | None) -> None:
    stage = Stage(id)
    stage.levels(**current)
    if id != "12" and isinstance(new.get("users", {}), dict):
        new = {**new, "users": {ALICE: 100, **new.get("users", {})}}
    assert stage.rule_against(stage.event(BOB, "m.room.power_levels", new, "")) == number(id, rule)


@every_version
def test_the_first_power_levels_may_say_anything(id: str) -> None:
    stage = Stage(id)
    del stage.state[POWER_LEVELS]
    first = {"users": {BOB: 1000, STRANGER: 1}, "ban": 1000}
    assert stage.rule_against(stage.event(ALICE, "m.room.power_levels", first, "")) is None
    assert stage.rule_against(stage.event(BOB, "m.room.power_levels", first, "")) == number(id, "7")


def test_creators_stand_above_the_power_levels_of_version_12() -> None:
    stage = Stage("12", {"additional_creators": [CAROL]})
    for user in (ALICE, CAROL):
        event = stage.event(BOB, "m.room.power_levels", {"users": {user: 0}}, "")
        assert stage.rule_against(event) == "10.4"
        event = stage.event(user, "m.room.power_levels", {"users": {BOB: 2**53 - 1}, "ban": 2**53 - 1}, "")
        assert stage.rule_against(event) is None
    kick = stage.event(ALICE, "m.room.member", {"membership": "leave"}, CAROL)
    assert stage.rule_against(kick) == "5.5.5"


@every_version
def test_auth_events_are_the_ones_the_event_calls_for(id: str) -> None:
    stage = Stage(id)
    state = {key: event.event_id for key, event in stage.state.items()}
    names = select_auth_events(stage.version, "m.room.message", CAROL, None, {}, state)
    by_id = {event.event_id: event for event in stage.state.values()}
    keys = [by_id[name].key for name in names]
    create = [] if id == "12" else [CREATE]
    assert keys == [*create, POWER_LEVELS, ("m.room.member", CAROL)]
    event = stage.event(CAROL, "m.room.message", {}, auth_events=names)
    check_auth_events(event, stage.version, [by_id[name] for name in names], lambda _id: False)


@every_version
@pytest.mark.parametrize(
    ("type", "state_key", "content", "more"),
    [
        ("m.room.topic", "", {}, []),
        ("m.room.member", CAROL, {"membership": "join"}, ["join_rules"]),
        ("m.room.member", BOB, {"membership": "invite"}, [BOB, "join_rules"]),
        ("m.room.member", CAROL, {"membership": "knock"}, ["join_rules"]),
        ("m.room.member", BOB, {"membership": "ban"}, [BOB]),
        ("m.room.member", BOB, {"membership": "leave"}, [BOB]),
        ("m.room.member", None, {"membership": "join"}, []),
        (
            "m.room.member",
            CAROL,
            {"membership": "join", "join_authorised_via_users_server": BOB},
            ["join_rules", BOB],
        ),
        ("m.room.member", CAROL, {"membership": "leave", "join_authorised_via_users_server": BOB}, []),
        (
            "m.room.member",
            BOB,
            {"membership": "invite", "third_party_invite": {"signed": {"token": "t"}}},
            [BOB, "join_rules", "third"],
        ),
        ("m.room.member", BOB, {"membership": "invite", "third_party_invite": 1}, [BOB, "join_rules"]),
        ("m.room.member", BOB, {"membership": [], "third_party_invite": {"signed": 1}}, [BOB]),
    ],
)
def test_which_state_gives_permission(
    id: str, type: str, state_key: str | None, content: dict[str, Any], more: list[str]
) -> None:
    create = [] if id == "12" else [CREATE]
    named = {"join_rules": ("m.room.join_rules", ""), "third": ("m.room.third_party_invite", "t")}
    expected = [*create, POWER_LEVELS, ("m.room.member", CAROL)]
    expected += [named.get(entry, ("m.room.member", entry)) for entry in more]
    assert auth_types(VERSIONS[id], type, CAROL, state_key, content) == expected
    assert auth_types(VERSIONS[id], "m.room.create", CAROL, "", {}) == []


@every_version
def test_wrong_auth_events_are_rejected(id: str) -> None:
    stage = Stage(id)
    create = [] if id == "12" else [stage.create]
    levels, carol, bob = (
        stage.state[key] for key in (POWER_LEVELS, ("m.room.member", CAROL), ("m.room.member", BOB))
    )
    good = [*create, levels, carol]

    def rule(auth_events: list[Event], rejected: str = "") -> str | None:
        ids = tuple(event.event_id for event in auth_events)
        event = stage.event(CAROL, "m.room.message", {}, auth_events=ids)
        try:
            check_auth_events(event, stage.version, auth_events, lambda event_id: event_id == rejected)
        except Rejected as caught:
            return caught.rule
        return None

    assert rule(good) is None
    assert rule([*create, carol]) is None
    again = stage.event(ALICE, "m.room.power_levels", {"users": {}}, "")
    assert rule([*good, again]) == number(id, "2.1")
    assert rule([*good, bob]) == number(id, "2.2")
    assert rule([*good, stage.event(CAROL, "m.room.message", {})]) == number(id, "2.2")
    assert rule(good, rejected=carol.event_id) == number(id, "2.3")
    assert rule(good, rejected=stage.create.event_id) == ("2" if id == "12" else "2.3")
    assert rule([*good, carol]) == number(id, "2.1")
    foreign = Event.trusted(carol.pdu, carol.event_id, "!other:h")  # type: ignore[arg-type]
    assert rule([*create, foreign]) == number(id, "2.5")
    if id == "12":
        assert rule([stage.create, *good]) == "3.2"
    else:
        assert rule([levels, carol]) == "2.4"


@every_version
def test_a_create_event_names_no_auth_events(id: str) -> None:
    stage = Stage(id)
    check_auth_events(stage.create, stage.version, [], lambda _id: True)
    stage.room_id = None if id == "12" else stage.room_id
    event = stage.event(ALICE, "m.room.create", {}, "", prev_events=(), auth_events=(stage.create.event_id,))
    with pytest.raises(Rejected) as rejected:
        check_auth_events(event, stage.version, [stage.create], lambda _id: False)
    assert rejected.value.rule == number(id, "2.2")


def test_a_rejection_is_a_forbidden_with_a_sentence() -> None:
    stage = Stage("12")
    with pytest.raises(Rejected) as rejected:
        check(stage.event(FRANK, "m.room.message", {}), stage.version, stage.state)
    assert (rejected.value.status, rejected.value.errcode) == (403, "M_FORBIDDEN")
    assert rejected.value.body()["error"] == "The sender is not in the room. Join it first."


@every_version
def test_which_redactions_take_effect(id: str) -> None:
    stage = Stage(id)
    power = PowerLevels(stage.state[POWER_LEVELS], stage.create, stage.version)
    target = stage.event(CAROL, "m.room.message", {})
    foreign = stage.event(STRANGER, "m.room.message", {})

    def redaction(sender: str) -> Event:
        return stage.event(sender, "m.room.redaction", {})

    assert can_redact(redaction(CAROL), target, stage.version, power)
    assert can_redact(redaction(BOB), foreign, stage.version, power)
    assert not can_redact(redaction(STRANGER), target, stage.version, power)
    assert not can_redact(redaction(CAROL), foreign, stage.version, power)
    assert not can_redact(redaction(ALICE), stage.create, stage.version, power)
    elsewhere = Stage(id, {"x": 1}) if id == "12" else stage
    other = Event.trusted(target.pdu, target.event_id, f"!other:{SERVER}")  # type: ignore[arg-type]
    assert not can_redact(elsewhere.event(ALICE, "m.room.redaction", {}), other, stage.version, power)

    assert user_may_redact(CAROL, target, power)
    assert user_may_redact(BOB, target, power)
    assert not user_may_redact(FRANK, target, power), "the same server is not the same person"
    assert not user_may_redact(ALICE, stage.create, power)
