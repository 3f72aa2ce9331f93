"""What redaction keeps, from the text of room versions 10 and 11. Compared with Synapse in tests/oracle."""

from typing import Any

import pytest

from bongsu.room.redact import redact
from bongsu.room.versions import VERSIONS

EVERYTHING = (
    "event_id",
    "type",
    "room_id",
    "sender",
    "state_key",
    "content",
    "hashes",
    "signatures",
    "depth",
    "prev_events",
    "prev_state",
    "auth_events",
    "origin",
    "origin_server_ts",
    "membership",
    "redacts",
    "unsigned",
    "x",
)


def redacted_content(id: str, type: str, content: dict[str, Any]) -> dict[str, Any]:
    redacted: dict[str, Any] = redact({"type": type, "content": content}, VERSIONS[id])["content"]
    return redacted


@pytest.mark.parametrize(
    ("id", "removed"),
    [
        ("10", {"redacts", "unsigned", "x"}),
        ("11", {"redacts", "unsigned", "x", "prev_state", "origin", "membership"}),
        ("12", {"redacts", "unsigned", "x", "prev_state", "origin", "membership"}),
    ],
)
def test_top_level(id: str, removed: set[str]) -> None:
    pdu: dict[str, Any] = {**dict.fromkeys(EVERYTHING, "x"), "content": {"body": "x"}}
    redacted = redact(pdu, VERSIONS[id])
    assert set(EVERYTHING) - set(redacted) == removed
    assert redacted["content"] == {}
    assert pdu["content"] == {"body": "x"}, "the original is left alone"


@pytest.mark.parametrize(
    ("type", "v10", "v11"),
    [
        ("m.room.create", "creator", "creator room_version m.federate x"),
        ("m.room.member", "membership join_authorised_via_users_server", None),
        ("m.room.join_rules", "join_rule allow", None),
        ("m.room.history_visibility", "history_visibility", None),
        (
            "m.room.power_levels",
            "ban events events_default kick redact state_default users users_default",
            "ban events events_default kick redact state_default users users_default invite",
        ),
        ("m.room.redaction", "", "redacts"),
        ("m.room.aliases", "", None),
        ("m.room.message", "", None),
    ],
)
def test_content(type: str, v10: str, v11: str | None) -> None:
    names = {
        *(v11 or v10).split(),
        "x",
        "body",
        "aliases",
        "invite",
        "redacts",
        "displayname",
        "room_version",
    }
    content = dict.fromkeys(names, 1)
    assert set(redacted_content("10", type, content)) == set(v10.split())
    for id in ("11", "12"):
        kept = names if type == "m.room.create" else set((v10 if v11 is None else v11).split())
        assert set(redacted_content(id, type, content)) == kept


def test_a_third_party_invite_keeps_what_was_signed() -> None:
    content = {"membership": "invite", "third_party_invite": {"display_name": "x", "signed": {"token": "t"}}}
    assert redacted_content("10", "m.room.member", content) == {"membership": "invite"}
    assert redacted_content("11", "m.room.member", content) == {
        "membership": "invite",
        "third_party_invite": {"signed": {"token": "t"}},
    }
    assert redacted_content("11", "m.room.member", {"third_party_invite": {}}) == {"third_party_invite": {}}
    assert redacted_content("11", "m.room.member", {"third_party_invite": 1}) == {}
