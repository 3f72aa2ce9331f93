"""Rule 4, by its numbers in room version 10; in version 12 it is rule 5."""

from typing import Any

import pytest

from bongsu.room.versions import VERSIONS
from tests.helpers.stage import ALICE, BOB, CAROL, DAN, ERIN, FRANK, GRACE, STRANGER, Stage

pytestmark = pytest.mark.parametrize("id", VERSIONS)


def number(id: str, rule: str | None) -> str | None:
    return "5" + rule[1:] if id == "12" and rule is not None else rule


def verdict(
    stage: Stage, sender: str, membership: Any, target: str | None = None, **content: Any
) -> str | None:
    target = sender if target is None else target
    event = stage.event(sender, "m.room.member", {"membership": membership, **content}, target)
    return stage.rule_against(event)


def test_a_member_event_is_a_state_event_with_a_membership_about_a_user(id: str) -> None:
    stage = Stage(id)
    no_key = stage.event(ALICE, "m.room.member", {"membership": "join"})
    assert stage.rule_against(no_key) == number(id, "4.1")
    no_membership = stage.event(ALICE, "m.room.member", {}, ALICE)
    assert stage.rule_against(no_membership) == number(id, "4.1")
    assert verdict(stage, ALICE, 1) == number(id, "4.1")
    assert verdict(stage, ALICE, "leave", "bob") == number(id, "4.1")
    assert verdict(stage, ALICE, "dance") == number(id, "4.8")


@pytest.mark.parametrize(
    ("user", "join_rule", "rule"),
    [
        (FRANK, "public", None),
        (ERIN, "public", None),
        (STRANGER, "public", None),
        (DAN, "public", "4.3.3"),
        (CAROL, "invite", None),
        (ERIN, "invite", None),
        (FRANK, "invite", "4.3.4"),
        (GRACE, "knock", "4.3.4"),
        (ERIN, "knock", None),
        (DAN, "invite", "4.3.3"),
        (CAROL, "restricted", None),
        (ERIN, "knock_restricted", None),
        (FRANK, "restricted", "4.3.5.2"),
        (CAROL, "private", "4.3.7"),
        (ERIN, 1, "4.3.7"),
    ],
)
def test_who_may_join(id: str, user: str, join_rule: Any, rule: str | None) -> None:
    stage = Stage(id)
    stage.join_rule(join_rule)
    assert verdict(stage, user, "join") == number(id, rule)


def test_a_room_without_join_rules_takes_the_invited(id: str) -> None:
    stage = Stage(id)
    del stage.state["m.room.join_rules", ""]
    assert verdict(stage, ERIN, "join") is None
    assert verdict(stage, FRANK, "join") == number(id, "4.3.4")


def test_nobody_joins_for_somebody_else(id: str) -> None:
    assert verdict(Stage(id), ALICE, "join", FRANK) == number(id, "4.3.2")


def test_the_creator_joins_right_after_the_create_event(id: str) -> None:
    stage = Stage(id)
    stage.state = {stage.create.key: stage.create}
    content = {"membership": "join"}
    first = stage.event(ALICE, "m.room.member", content, ALICE, prev_events=(stage.create.event_id,))
    assert stage.rule_against(first) is None
    other = stage.event(BOB, "m.room.member", content, BOB, prev_events=(stage.create.event_id,))
    assert stage.rule_against(other) == number(id, "4.3.4")
    later = stage.event(ALICE, "m.room.member", content, ALICE)
    assert stage.rule_against(later) == number(id, "4.3.4")


@pytest.mark.parametrize("join_rule", ["restricted", "knock_restricted"])
def test_a_restricted_join_needs_a_member_who_may_invite(id: str, join_rule: str) -> None:
    stage = Stage(id)
    stage.join_rule(join_rule)
    key = "join_authorised_via_users_server"
    assert verdict(stage, FRANK, "join", **{key: CAROL}) is None
    assert verdict(stage, FRANK, "join", **{key: GRACE}) == number(id, "4.3.5.2")
    stage.levels(invite=50)
    assert verdict(stage, FRANK, "join", **{key: CAROL}) == number(id, "4.3.5.2")
    assert verdict(stage, FRANK, "join", **{key: BOB}) is None


def test_the_authorising_user_is_of_the_senders_server(id: str) -> None:
    stage = Stage(id)
    stage.member(STRANGER, "join")
    key = "join_authorised_via_users_server"
    assert verdict(stage, FRANK, "join", **{key: STRANGER}) == number(id, "4.2.1")
    assert verdict(stage, CAROL, "leave", **{key: 1}) == number(id, "4.2.1")


@pytest.mark.parametrize(
    ("sender", "target", "rule"),
    [
        (CAROL, FRANK, None),
        (CAROL, STRANGER, None),
        (CAROL, GRACE, None),
        (CAROL, ERIN, None),
        (CAROL, BOB, "4.4.3"),
        (CAROL, DAN, "4.4.3"),
        (FRANK, STRANGER, "4.4.2"),
        (ERIN, STRANGER, "4.4.2"),
        (STRANGER, STRANGER, "4.4.2"),
    ],
)
def test_who_may_invite_whom(id: str, sender: str, target: str, rule: str | None) -> None:
    assert verdict(Stage(id), sender, "invite", target) == number(id, rule)


def test_inviting_takes_the_invite_level(id: str) -> None:
    stage = Stage(id)
    stage.levels(invite=50)
    assert verdict(stage, CAROL, "invite", FRANK) == number(id, "4.4.5")
    assert verdict(stage, BOB, "invite", FRANK) is None


@pytest.mark.parametrize(
    ("user", "rule"),
    [(CAROL, None), (ERIN, None), (GRACE, None), (FRANK, "4.5.1"), (DAN, "4.5.1"), (STRANGER, "4.5.1")],
)
def test_who_may_leave(id: str, user: str, rule: str | None) -> None:
    assert verdict(Stage(id), user, "leave") == number(id, rule)


@pytest.mark.parametrize(
    ("sender", "target", "rule"),
    [
        (BOB, CAROL, None),
        (BOB, ERIN, None),
        (BOB, DAN, None),
        (ALICE, BOB, None),
        (CAROL, ERIN, "4.5.5"),
        (CAROL, DAN, "4.5.3"),
        (BOB, ALICE, "4.5.5"),
        (FRANK, CAROL, "4.5.2"),
        (DAN, CAROL, "4.5.2"),
    ],
)
def test_who_may_kick_and_lift_a_ban(id: str, sender: str, target: str, rule: str | None) -> None:
    assert verdict(Stage(id), sender, "leave", target) == number(id, rule)


def test_lifting_a_ban_takes_both_levels(id: str) -> None:
    stage = Stage(id)
    stage.levels(ban=75)
    assert verdict(stage, BOB, "leave", DAN) == number(id, "4.5.3")
    assert verdict(stage, BOB, "leave", CAROL) is None
    stage.levels(kick=75)
    assert verdict(stage, BOB, "leave", DAN) == number(id, "4.5.5")


@pytest.mark.parametrize(
    ("sender", "target", "rule"),
    [
        (BOB, CAROL, None),
        (BOB, STRANGER, None),
        (BOB, BOB, "4.6.3"),
        (BOB, ALICE, "4.6.3"),
        (CAROL, FRANK, "4.6.3"),
        (FRANK, CAROL, "4.6.1"),
    ],
)
def test_who_may_ban(id: str, sender: str, target: str, rule: str | None) -> None:
    assert verdict(Stage(id), sender, "ban", target) == number(id, rule)


@pytest.mark.parametrize("join_rule", ["knock", "knock_restricted"])
@pytest.mark.parametrize(
    ("user", "rule"),
    [
        (FRANK, None),
        (STRANGER, None),
        (GRACE, None),
        (CAROL, "4.7.4"),
        (ERIN, "4.7.4"),
        (DAN, "4.7.4"),
    ],
)
def test_who_may_knock(id: str, join_rule: str, user: str, rule: str | None) -> None:
    stage = Stage(id)
    stage.join_rule(join_rule)
    assert verdict(stage, user, "knock") == number(id, rule)


def test_knocking_needs_a_door_and_ones_own_hand(id: str) -> None:
    stage = Stage(id)
    assert verdict(stage, FRANK, "knock") == number(id, "4.7.1")
    stage.join_rule("knock")
    assert verdict(stage, GRACE, "knock", FRANK) == number(id, "4.7.2")
