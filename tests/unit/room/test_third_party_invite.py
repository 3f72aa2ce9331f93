"""Rule 4.4.1 with real keys: inviting somebody who was invited by e-mail."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bongsu import limits
from bongsu.canonical import canonical_bytes, unpadded_base64, unpadded_urlsafe_base64
from bongsu.room.versions import VERSIONS
from tests.helpers.stage import ALICE, CAROL, DAN, FRANK, Stage

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
OTHER_PUBLIC = OTHER_KEY.public_key().public_bytes_raw()

every_version = pytest.mark.parametrize("id", VERSIONS)


def sign(key: Ed25519PrivateKey, mxid: str, token: str = "token") -> dict[str, Any]:
    signed = {"mxid": mxid, "token": token}
    signature = unpadded_base64(key.sign(canonical_bytes(signed)))
    return {**signed, "signatures": {"id.example": {"ed25519:0": signature}}, "unsigned": {"x": 1}}


def rule(stage: Stage, third_party_invite: Any, *, sender: str = CAROL, target: str = FRANK) -> str | None:
    content = {"membership": "invite", "third_party_invite": third_party_invite}
    rejected_by = stage.rule_against(stage.event(sender, "m.room.member", content, target))
    if rejected_by is not None and stage.version.id == "12":
        assert rejected_by.startswith("5.4.1.")
        return "4" + rejected_by[1:]
    return rejected_by


def stage_with(id: str, **content: Any) -> Stage:
    stage = Stage(id)
    stage.put(CAROL, "m.room.third_party_invite", content, "token")
    return stage


@every_version
def test_a_signed_invitation_is_redeemed_by_who_made_it(id: str) -> None:
    signed = sign(KEY, FRANK)
    stage = stage_with(id, public_key=unpadded_base64(PUBLIC))
    assert rule(stage, {"display_name": "f...@e...", "signed": signed}) is None
    assert rule(stage, {"signed": signed}, sender=ALICE) == "4.4.1.6"
    assert rule(stage, {"signed": sign(OTHER_KEY, FRANK)}) == "4.4.1.8"
    assert rule(stage, {"signed": {**signed, "extra": 1}}) == "4.4.1.8"
    assert rule(stage, {"signed": signed}, target=ALICE) == "4.4.1.4"
    assert rule(stage, {"signed": sign(KEY, FRANK, "unknown")}) == "4.4.1.5"


@every_version
def test_any_of_the_keys_will_do(id: str) -> None:
    keys = [{"public_key": unpadded_base64(OTHER_PUBLIC)}, {"public_key": unpadded_urlsafe_base64(PUBLIC)}]
    stage = stage_with(id, public_key=unpadded_base64(OTHER_PUBLIC), public_keys=[1, {}, *keys])
    assert rule(stage, {"signed": sign(KEY, FRANK)}) is None
    assert rule(stage_with(id, public_keys=keys[:1]), {"signed": sign(KEY, FRANK)}) == "4.4.1.8"


@every_version
def test_broken_invitations_are_rejected(id: str) -> None:
    stage = stage_with(id, public_key=unpadded_base64(PUBLIC))
    signed = sign(KEY, FRANK)
    assert rule(stage, 1) == "4.4.1.2"
    assert rule(stage, {}) == "4.4.1.2"
    assert rule(stage, {"signed": "x"}) == "4.4.1.2"
    assert rule(stage, {"signed": {"mxid": FRANK}}) == "4.4.1.3"
    assert rule(stage, {"signed": {"token": "token"}}) == "4.4.1.3"
    assert rule(stage, {"signed": {"token": ["token"], "mxid": FRANK}}) == "4.4.1.3"
    assert rule(stage, {"signed": sign(KEY, DAN)}, target=DAN) == "4.4.1.1"
    broken: tuple[Any, ...] = (
        None,
        [],
        {"h": []},
        {"h": {"ed25519:0": 1}},
        {"h": {"ed25519:0": "!"}},
        {"h": {"ed25519:0": "AAAA"}},
        {"h": {"curve25519:0": signed["signatures"]["id.example"]["ed25519:0"]}},
    )
    for signatures in broken:
        assert rule(stage, {"signed": {**signed, "signatures": signatures}}) == "4.4.1.8"
    for key in (None, 1, "", "AAAA", "!"):
        assert rule(stage_with(id, public_key=key), {"signed": signed}) == "4.4.1.8"


def test_forged_signatures_cost_a_bounded_number_of_checks() -> None:
    bound = limits.THIRD_PARTY_INVITE_CHECKS_MAX
    stage = stage_with("12", public_key=unpadded_base64(PUBLIC))
    good = sign(KEY, FRANK)
    bad = sign(OTHER_KEY, FRANK)["signatures"]["id.example"]["ed25519:0"]

    def with_forgeries(count: int) -> dict[str, Any]:
        forged = {f"ed25519:{n:04}": bad for n in range(count)}
        return {**good, "signatures": {"a.example": forged, **good["signatures"]}}

    assert rule(stage, {"signed": with_forgeries(bound - 1)}) is None
    assert rule(stage, {"signed": with_forgeries(bound)}) == "4.4.1.8"
