"""Ed25519 signatures on JSON objects. Pure. Spec: Appendices § Signing JSON."""

from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bongsu.canonical import canonical_bytes, decode_base64
from bongsu.errors import MatrixError

KEY_BYTES = 32


def signed_part(value: dict[str, Any]) -> dict[str, Any]:
    """What a signature covers: the object without its signatures and what servers add."""
    return {name: field for name, field in value.items() if name not in ("signatures", "unsigned")}


def signature_of(value: dict[str, Any], user_id: str, key_id: str) -> str | None:
    """The signature a user's key left on an object, if it is there."""
    by_user = value.get("signatures")
    by_key = by_user.get(user_id) if isinstance(by_user, dict) else None
    signature = by_key.get(key_id) if isinstance(by_key, dict) else None
    return signature if isinstance(signature, str) else None


def is_public_key(text: object) -> bool:
    """Whether this is an Ed25519 or Curve25519 public key in unpadded base64."""
    return isinstance(text, str) and _bytes(text, KEY_BYTES) is not None


def verifies(value: dict[str, Any], public_key: str, signature: str) -> bool:
    """Whether the signature over the object was made with the key (both in unpadded base64)."""
    key, mark = _bytes(public_key, KEY_BYTES), _bytes(signature, 64)
    if key is None or mark is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(mark, canonical_bytes(signed_part(value)))
    except (InvalidSignature, ValueError):
        return False
    return True


def is_signed(value: dict[str, Any], user_id: str, key_id: str, public_key: str) -> bool:
    """Whether the user's key has signed the object."""
    signature = signature_of(value, user_id, key_id)
    return signature is not None and verifies(value, public_key, signature)


def _bytes(text: str, length: int) -> bytes | None:
    if len(text) > 2 * length:
        return None
    try:
        data = decode_base64(text)
    except MatrixError:
        return None
    return data if len(data) == length else None
