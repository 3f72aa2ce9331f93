"""Rule 4.4.1: an invitation that redeems an m.room.third_party_invite with a signature of its key."""

from collections.abc import Iterator, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bongsu import limits
from bongsu.canonical import canonical_bytes, decode_base64, decode_urlsafe_base64
from bongsu.errors import MatrixError
from bongsu.room.event import Event
from bongsu.room.rejected import reject
from bongsu.room.state import StateKey
from bongsu.room.versions import RoomVersion


def check_third_party_invite(event: Event, version: RoomVersion, state: Mapping[StateKey, Event]) -> None:
    """Raise `Rejected` unless the invitation's `signed` was signed by a key of the third-party invite."""
    target = state.get(("m.room.member", event.state_key or ""))
    if target is not None and target.membership == "ban":
        reject(version, "4.4.1.1", "The user is banned from this room. Lift the ban first.")
    invite = event.content["third_party_invite"]
    signed = invite.get("signed") if isinstance(invite, dict) else None
    if not isinstance(signed, dict):
        reject(version, "4.4.1.2", "The invitation lacks third_party_invite.signed.")
    token = signed.get("token")
    if not isinstance(token, str) or not isinstance(signed.get("mxid"), str):
        reject(version, "4.4.1.3", "third_party_invite.signed lacks mxid or token.")
    if signed["mxid"] != event.state_key:
        reject(version, "4.4.1.4", "The invitation was signed for another user.")
    third_party_invite = state.get(("m.room.third_party_invite", token))
    if third_party_invite is None:
        reject(version, "4.4.1.5", "The room has no third-party invite with this token.")
    if third_party_invite.sender != event.sender:
        reject(version, "4.4.1.6", "Only who made the third-party invite can redeem it.")
    if not _is_signed(signed, third_party_invite.content):
        reject(version, "4.4.1.8", "No key of the third-party invite signed this invitation.")


def _is_signed(signed: dict[str, Any], content: dict[str, Any]) -> bool:
    message = canonical_bytes({k: v for k, v in signed.items() if k not in ("signatures", "unsigned")})
    checks = 0
    keys = list(_public_keys(content))
    for signature in _signatures(signed):
        for key in keys:
            # The bound keeps 64 KiB of forged signatures and keys from costing minutes on every node.
            checks += 1
            if checks > limits.THIRD_PARTY_INVITE_CHECKS_MAX:
                return False
            if _verifies(key, signature, message):
                return True
    return False


def _public_keys(content: dict[str, Any]) -> Iterator[Ed25519PublicKey]:
    keys: list[Any] = [content.get("public_key")]
    listed = content.get("public_keys")
    if isinstance(listed, list):
        keys += [entry.get("public_key") for entry in listed if isinstance(entry, dict)]
    for key in keys[: limits.THIRD_PARTY_INVITE_CHECKS_MAX]:
        data = _decode(key)
        if data is not None and len(data) == 32:
            yield Ed25519PublicKey.from_public_bytes(data)


def _signatures(signed: dict[str, Any]) -> Iterator[bytes]:
    """Yield the signatures in one order on every node, however the JSON was ordered."""
    by_server = signed.get("signatures")
    if not isinstance(by_server, dict):
        return
    for _server, by_key in sorted(by_server.items()):
        if not isinstance(by_key, dict):
            continue
        for key_id, signature in sorted(by_key.items()):
            data = _decode(signature) if key_id.startswith("ed25519:") else None
            if data is not None:
                yield data


def _decode(text: Any) -> bytes | None:
    if not isinstance(text, str):
        return None
    decode = decode_urlsafe_base64 if "-" in text or "_" in text else decode_base64
    try:
        return decode(text)
    except MatrixError:
        return None


def _verifies(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
