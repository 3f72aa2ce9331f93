"""Queries: registration tokens, the invitation codes of a service that is not open to everybody."""

from dataclasses import dataclass
from hashlib import sha256

from bongsu.speakers import HUB_TOKEN
from bongsu.view import registers
from bongsu.view.context import Context

FAMILY = "registration_token"


@dataclass(frozen=True, slots=True)
class RegistrationToken:
    """A code. `uses_allowed`, `expires_ts`: None for no bound. `used`: accounts made with it."""

    token_hash: str
    uses_allowed: int | None
    expires_ts: int | None
    used: int


def token_key(token: str) -> str:
    """What stands in the log for a code: its SHA-256 in hex."""
    return sha256(token.encode("utf-8", "replace")).hexdigest()


def registration_tokens(context: Context) -> list[RegistrationToken]:
    """Every code that was not deleted."""
    return [_token(context, key, value) for key, value in registers.under(context, FAMILY, "", "")]


def registration_token_valid(context: Context, token: str, now_ms: int, node: bytes) -> bool:
    """Whether an account may be made with this code now, at this node: a hub's own codes are good there."""
    key = token_key(token)
    value = registers.get(context, FAMILY, "", "", key)
    if value is None:
        value = registers.get(context, HUB_TOKEN, "", node.hex(), key)
    if value is None:
        return False
    found = _token(context, key, value)
    unused = found.uses_allowed is None or found.used < found.uses_allowed
    return unused and (found.expires_ts is None or found.expires_ts > now_ms)


def _token(context: Context, key: str, value: dict[str, int | None]) -> RegistrationToken:
    # Uses are counted from the accounts made, so that two nodes' counts merge.
    used = context.db.value(
        "SELECT count(*) FROM registers WHERE family='registered_with' AND owner='' AND key1=?", (key,)
    )
    return RegistrationToken(key, value.get("uses_allowed"), value.get("expires_ts"), int(used))
