"""Whatever JSON arrives as an event, the answer is an event or a sentence, never a crash."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bongsu.errors import MatrixError
from bongsu.room.auth import Rejected, check, check_auth_events
from bongsu.room.build import build
from bongsu.room.event import Event
from bongsu.room.power import CREATOR_LEVEL, PowerLevels
from bongsu.room.redact import redact
from bongsu.room.versions import VERSIONS, RoomVersion
from tests.helpers.stage import ALICE, BOB, CAROL, Stage

versions = st.sampled_from(list(VERSIONS.values()))
users = st.sampled_from([ALICE, BOB, CAROL, "@:h", "@", ""])
names = st.sampled_from(
    [
        "membership",
        "third_party_invite",
        "signed",
        "mxid",
        "token",
        "signatures",
        "ed25519:1",
        "public_key",
        "public_keys",
        "join_authorised_via_users_server",
        "join_rule",
        "users",
        "users_default",
        "events",
        "notifications",
        "ban",
        "invite",
        "creator",
        "additional_creators",
        "m.federate",
        "room_version",
        "redacts",
        ALICE,
    ]
)
words = st.sampled_from(
    ["join", "invite", "leave", "ban", "knock", "public", "restricted", "12", "AAAA", "t"]
)
leaves = st.none() | st.booleans() | st.integers(-2, 101) | words | users | st.floats()
values = st.recursive(
    leaves, lambda v: st.lists(v, max_size=3) | st.dictionaries(names, v, max_size=4), max_leaves=8
)
contents = st.dictionaries(names, values, max_size=6)
types = st.sampled_from(
    [
        "m.room.create",
        "m.room.member",
        "m.room.power_levels",
        "m.room.join_rules",
        "m.room.third_party_invite",
        "m.room.redaction",
        "x",
    ]
)
fields = st.sampled_from(
    [
        "type",
        "sender",
        "room_id",
        "state_key",
        "content",
        "depth",
        "hashes",
        "prev_events",
        "auth_events",
        "unsigned",
    ]
)


@given(
    version=versions, changes=st.dictionaries(fields, values, max_size=3), removed=st.sets(fields, max_size=1)
)
@settings(max_examples=400, deadline=None)
def test_any_object_is_an_event_or_refused(
    version: RoomVersion, changes: dict[str, Any], removed: set[str]
) -> None:
    stage = Stage(version.id)
    pdu = {**stage.event(CAROL, "m.room.message", {"body": "x"}).pdu, **changes}
    pdu = {name: value for name, value in pdu.items() if name not in removed}
    try:
        event = Event.from_pdu(pdu, version)
    except MatrixError as error:
        refusal = error
    else:
        assert Event.from_pdu(redact(pdu, version), version).event_id == event.event_id
        return
    assert refusal.status in (400, 413)


@given(value=values)
def test_an_event_is_an_object(value: Any) -> None:
    try:
        Event.from_pdu(value, VERSIONS["12"])
    except MatrixError as error:
        refusal = error
    assert refusal.errcode == "M_BAD_JSON"


@given(
    version=versions,
    state=st.lists(st.tuples(types, st.sampled_from(["", ALICE, CAROL, "t"]), contents), max_size=5),
    attempt=st.tuples(types, st.none() | users | st.just("t"), contents),
    create=contents,
)
@settings(max_examples=600, deadline=None)
def test_any_event_stands_or_is_rejected_by_a_rule(
    version: RoomVersion,
    state: list[tuple[str, str, dict[str, Any]]],
    attempt: tuple[str, str | None, dict[str, Any]],
    create: dict[str, Any],
) -> None:
    """The state holds only what may stand there, as in a real room, however odd it is."""
    try:
        stage = Stage(version.id, {**create, "room_version": version.id})
        check(stage.create, version, {})
        for type, state_key, content in state:
            event = stage.event(ALICE, type, content, state_key)
            if stage.rule_against(event) is None:
                stage.state[event.key] = event
        type, key, content = attempt
        event = build(
            version,
            room_id=stage.room_id,
            sender=CAROL,
            type=type,
            content=content,
            state_key=key,
            prev_events=[stage.create.event_id],
            auth_events=[entry.event_id for entry in stage.state.values()][:10],
            depth=9,
            origin_server_ts=1,
        )
    except MatrixError:
        return
    rule = stage.rule_against(event)
    assert rule is None or rule[0].isdigit()
    level = PowerLevels(stage.state["m.room.power_levels", ""], stage.create, version).user_level(CAROL)
    assert level == CREATOR_LEVEL or isinstance(level, int)
    auth_events = [entry for entry in stage.state.values() if entry.event_id in event.auth_events]
    rejection: Rejected | None = None
    try:
        check_auth_events(event, version, auth_events, lambda _id: False)
    except Rejected as error:
        rejection = error
    assert rejection is not None, "ten entries of the state are more than any event calls for"
    assert rejection.rule[0].isdigit()
