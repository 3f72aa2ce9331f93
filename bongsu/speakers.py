"""For whom a record speaks: a hub may write it only for a resident of its own (DESIGN 5.2). Pure."""

import re
from typing import Any

from bongsu.log.record import Kind

SEPARATOR = "+"
ANYBODY = ""
# Registration tokens that a hub makes.
HUB_TOKEN = "hub_token"  # noqa: S105 - the name of a family
# What a hub asks a certificate for its address with (bongsu/hub/tls_order.py).
TLS_REQUEST = "tls_request"
# Between a hub's site and the rest of a media id that it gave out.
HUB_SEPARATOR = "_"
# Core nodes without a lock put so much of their own name behind a user's.
_NODE_SUFFIX = re.compile(r"[0-9a-f]{6}")
_BY_USER = frozenset(
    (
        Kind.USER,
        Kind.PASSWORD,
        Kind.SESSION,
        Kind.SESSION_END,
        Kind.RECEIPT,
        Kind.MEDIA,
        Kind.ONE_TIME_KEYS,
        Kind.KEY_CLAIM,
        Kind.TO_DEVICE_COVERED,
        Kind.BACKUP_KEYS,
        Kind.ALERT_ACK,
        Kind.CHECK_IN,
        Kind.CHECK_REQUEST,
    )
)


def suffix_of(user_id: str) -> str:
    """What a name carries of the place it was given at; empty for a bare name."""
    return user_id.partition(":")[0].rpartition(SEPARATOR)[2] if SEPARATOR in user_id else ""


def site_of(user_id: str) -> str | None:
    """The site whose suffix the name carries, if it is a hub's: its certificate names the site."""
    suffix = suffix_of(user_id)
    return suffix if suffix and not _NODE_SUFFIX.fullmatch(suffix) else None


def speaker(kind: int, body: dict[str, Any], author: bytes) -> str | None:
    """The user a record speaks for; ANYBODY: any node of the service may write it; None: core nodes alone.

    Args:
        body: of a shape that fits the kind.
        author: the node that wrote it.
    """
    if kind in _BY_USER:
        return str(body["user_id"])
    if kind == Kind.EVENT:
        sender = body["event"].get("sender")
        return sender if isinstance(sender, str) and sender else None
    if kind == Kind.REPORT:
        return str(body["reporter"])
    if kind == Kind.ADMIN_ACT:
        return str(body["actor"])
    if kind == Kind.TO_DEVICE:
        # One that was delivered is its id alone, which takes effect on nobody.
        return ANYBODY if "id" in body else str(body["sender"][0])
    if kind == Kind.DEFERRED_SEND:
        # The signature of the visitor's device is looked at where it is carried out.
        return ANYBODY
    return _register(body, author) if kind == Kind.REGISTER else None


def _register(body: dict[str, Any], author: bytes) -> str | None:
    family, owner, (key1, key2) = body["family"], body["owner"], body["key"]
    if family in ("site", "held", "status", "cap_certificate", TLS_REQUEST):
        # What a node says of itself: where it is, how it is, and what it took from couriers.
        return ANYBODY if key2 == author.hex() else None
    if family == "drill_report":
        return ANYBODY if key1 == author.hex() else None
    if family == HUB_TOKEN:
        # What lets newcomers in at that hub, and nowhere else.
        return ANYBODY if key1 == author.hex() else None
    if family == "fallback_used":
        # Whoever had no other key to give says so; the owner's client then makes a new one.
        return ANYBODY
    if family == "signature":
        return str(key2).partition(" ")[0] or None
    if family == "registered_with":
        return str(key2) or None
    # Aliases, the directory of rooms and the service's own values need the core.
    return owner if owner.startswith("@") else None
