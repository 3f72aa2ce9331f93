"""Statements signed by people: JSON in canonical form behind words of its own kind (docs/protocol/tower.md).

One signature can so never pass for another's, and a browser can make one with WebCrypto alone. Pure."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bongsu import limits
from bongsu.canonical import (
    canonical_bytes,
    decode_base64,
    decode_urlsafe_base64,
    json_bytes,
    read_json,
    unpadded_base64,
    unpadded_urlsafe_base64,
)
from bongsu.errors import MatrixError, invalid_param

REQUEST, KEY, KEY_END = "tower-request", "tower-key", "tower-key-end"
ALERT, CALL, ACT = "alert", "safety-call", "incident-act"
KEY_ID_BYTES = 16
STATEMENT_ID_BYTES = 16
SIGNATURE_CHARACTERS = 86

Sign = Callable[[bytes], bytes]


def message(kind: str, content: dict[str, Any]) -> bytes:
    """What is signed: `bongsu KIND 1`, a line feed, and the content as canonical JSON."""
    return f"bongsu {kind} 1\n".encode() + canonical_bytes(content)


def statement_id(kind: str, content: dict[str, Any]) -> str:
    """The statement's name: the first half of the SHA-256 of what is signed, in hex."""
    return sha256(message(kind, content)).digest()[:STATEMENT_ID_BYTES].hex()


def key_id(public_key: bytes) -> str:
    """The name of a tower key: the first half of the SHA-256 of the public key, in hex."""
    return sha256(public_key).digest()[:KEY_ID_BYTES].hex()


def signature(kind: str, content: dict[str, Any], sign: Sign) -> str:
    """A signature in unpadded base64."""
    return unpadded_base64(sign(message(kind, content)))


def is_signed(data: bytes, public_key: bytes, signed: bytes) -> bool:
    """Whether the key signed exactly these bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signed, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def is_statement_signed(kind: str, content: dict[str, Any], public_key: bytes, text: str) -> bool:
    """Whether the key signed this statement; `text`: the signature in base64."""
    try:
        return is_signed(message(kind, content), public_key, decode_base64(text))
    except MatrixError:
        return False


def line(kind: str, content: dict[str, Any], sign: Sign) -> str:
    """A statement with its one signature as a line of text, to be carried by hand."""
    whole = {"content": content, "signature": signature(kind, content, sign)}
    return f"{kind}:{unpadded_urlsafe_base64(canonical_bytes(whole))}"


def read_line(kind: str, text: str, public_key: Callable[[dict[str, Any]], bytes]) -> dict[str, Any]:
    """The content of a line, whose signature is checked. Only the very bytes that `line` makes are read.

    Args:
        public_key: which key should have signed such a content.
    Raises:
        MatrixError: it is damaged, or signed by somebody else.
    """
    if not text.startswith(f"{kind}:") or len(text) > limits.TOWER_LINE_CHARACTERS_MAX:
        raise invalid_param(f"This is not a {kind}: one begins with {kind}: and is one line of text.")
    raw = _decoded(kind, text)
    whole = read_json(raw)
    if not isinstance(whole, dict) or whole.keys() != {"content", "signature"}:
        raise _damaged(kind)
    content, signed = whole["content"], whole["signature"]
    if not isinstance(content, dict) or not isinstance(signed, str) or canonical_bytes(whole) != raw:
        raise _damaged(kind)
    if not is_statement_signed(kind, content, public_key(content), signed):
        raise invalid_param(f"This {kind} is not signed by the key that should have signed it.")
    return content


def _decoded(kind: str, text: str) -> bytes:
    body = text.removeprefix(f"{kind}:")
    raw = decode_urlsafe_base64(body)
    if unpadded_urlsafe_base64(raw) != body:
        raise _damaged(kind)
    return raw


def _damaged(kind: str) -> MatrixError:
    return invalid_param(f"This {kind} is damaged or of a later version. Copy it again, whole.")


def check_signatures(value: Any) -> dict[str, str]:
    """Signatures by key id, of the right shape; whether they are right is another question.

    Raises:
        MatrixError: they are of another shape, or too many.
    """
    good = isinstance(value, dict) and 0 < len(value) <= limits.TOWER_SIGNATURES_MAX
    if not good or not all(is_id(key) and _looks_signed(text) for key, text in value.items()):
        raise invalid_param(
            "`signatures` must give one to four signatures in unpadded base64 by the ids of tower keys."
        )
    found: dict[str, str] = value
    return found


def _looks_signed(text: Any) -> bool:
    return isinstance(text, str) and len(text) == SIGNATURE_CHARACTERS


def is_id(text: Any) -> bool:
    """Whether this is the id of a statement or of a key."""
    return isinstance(text, str) and len(text) == 2 * KEY_ID_BYTES and not set(text) - set("0123456789abcdef")


def body(content: dict[str, Any], signatures: dict[str, str]) -> bytes:
    """A signed statement as the body of its record."""
    return json_bytes({"content": content, "signatures": signatures})
