"""Making and ending log-ins: tokens leave this module in clear once, and reach a disk only as SHA-256."""

import secrets
from contextlib import suppress
from hashlib import sha256
from typing import Any

from bongsu import drafts, limits
from bongsu.clock import next_stamp
from bongsu.errors import MatrixError, invalid_param
from bongsu.log.record import Draft
from bongsu.node import Node
from bongsu.view import registers, sessions
from bongsu.view.sessions import TokenRow
from bongsu.view.users import User


def _token(kind: str) -> str:
    return f"bongsu_{kind}_{secrets.token_urlsafe(32)}"


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def new_device_id() -> str:
    """A device id for a log-in that names none."""
    return secrets.token_hex(5).upper()


def check_device_id(device_id: str) -> None:
    """Refuse what could not be named in a path.

    Raises:
        MatrixError: 400 M_INVALID_PARAM.
    """
    if not device_id or len(device_id.encode("utf-8", "replace")) > limits.ID_BYTES_MAX or "\0" in device_id:
        raise invalid_param("The device id must have 1 to 255 bytes and no NUL.")


class NewSession:
    """A log-in: the drafts that record it, and the answer that tells the client its tokens."""

    def __init__(
        self,
        node: Node,
        user_id: str,
        password_stamp: int,
        *,
        device_id: str | None,
        display_name: str | None,
        refresh: bool,
    ) -> None:
        self.user_id = user_id
        self.device_id = device_id or new_device_id()
        check_device_id(self.device_id)
        now = node.now_ms()
        self.answer: dict[str, Any] = {"user_id": user_id, "device_id": self.device_id}
        tokens = _tokens(self.answer, now, refresh=refresh)
        session_id = secrets.token_urlsafe(12)
        stamp = next_stamp(now)
        # Logging in as a device that is there replaces its log-in. Spec: § Login, device_id.
        old = [row.session for row in sessions.of_device(node.context, user_id, self.device_id)]
        self.drafts: list[Draft] = []
        if old:
            self.drafts.append(drafts.session_end(user_id, old, stamp))
        self.drafts.append(
            drafts.session(user_id, self.device_id, session_id, 0, tokens, now, stamp, password_stamp)
        )
        if registers.get(node.context, "device", user_id, "", self.device_id) is None:
            name = "" if display_name is None else display_name[: limits.DEVICE_NAME_CHARACTERS_MAX]
            stamp = registers.stamp_after(node.context, now, "device", user_id, "", self.device_id)
            value = {"display_name": name}
            self.drafts.append(
                drafts.register("device", user_id, "", self.device_id, value, stamp, public=True)
            )


def _tokens(answer: dict[str, Any], now_ms: int, *, refresh: bool) -> list[dict[str, Any]]:
    """Draw tokens, put them into the client's answer in clear and return what the log keeps."""
    access = _token("access")
    answer["access_token"] = access
    kept: dict[str, Any] = {"hash": _hash(access), "kind": "access"}
    if not refresh:
        return [kept]
    answer["expires_in_ms"] = limits.ACCESS_TOKEN_MS
    kept["expires_ts"] = now_ms + limits.ACCESS_TOKEN_MS
    answer["refresh_token"] = _token("refresh")
    return [kept, {"hash": _hash(answer["refresh_token"]), "kind": "refresh"}]


def to_refresh(node: Node, refresh_token: str) -> TokenRow:
    """The session that a refresh token belongs to.

    Raises:
        MatrixError: 401 M_UNKNOWN_TOKEN.
    """
    token_hash = sha256(refresh_token.encode("utf-8", "replace")).digest()
    row = sessions.by_token(node.context, token_hash, "refresh")
    if row is None:
        raise MatrixError(
            401,
            "M_UNKNOWN_TOKEN",
            "This refresh token is not valid (any more). Log in again.",
            soft_logout=False,
        )
    return row


async def refresh(node: Node, row: TokenRow) -> dict[str, Any]:
    """New tokens for a session. The old refresh token works until one of the new ones is used."""
    answer: dict[str, Any] = {}
    await _next_generation(node, row, _tokens(answer, node.now_ms(), refresh=True))
    return answer


async def used(node: Node, row: TokenRow) -> None:
    """A refresh's access token is used: its client has it, so the refresh token before it is over."""
    # A full disk stops no reading; the next use says it again.
    with suppress(MatrixError):
        await _next_generation(node, row, [])


async def _next_generation(node: Node, row: TokenRow, tokens: list[dict[str, Any]]) -> None:
    now = node.now_ms()
    number = row.generation + 1
    await node.write(
        drafts.session(row.user_id, row.device_id, row.session, number, tokens, now, next_stamp(now), 2**52)
    )


def end(user: User, session_ids: list[str], now_ms: int) -> Draft:
    """The record that ends sessions."""
    return drafts.session_end(user.user_id, session_ids, next_stamp(now_ms, user.password_stamp))
