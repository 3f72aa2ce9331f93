"""Queries: log-ins and their tokens."""

from dataclasses import dataclass

from bongsu.view.context import Context


@dataclass(frozen=True, slots=True)
class Requester:
    """The user and device behind an access token. `first`: that of a refresh, and maybe never used before."""

    user_id: str
    device_id: str
    session: str
    first: "TokenRow | None" = None


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token and the session it belongs to. `expires_ts`: milliseconds, None for never.

    `newest`: no token of its session has a higher generation, and none was said to be used.
    """

    session: str
    user_id: str
    device_id: str
    kind: str
    generation: int
    expires_ts: int | None
    newest: int


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A log-in of a user on a device."""

    session: str
    user_id: str
    device_id: str
    created_ts: int
    generation: int


def by_token(context: Context, token_hash: bytes, kind: str) -> TokenRow | None:
    """The token with this SHA-256, if its session has not ended."""
    found = context.db.one(
        "SELECT t.session, s.user_id, s.device_id, t.kind, t.generation, t.expires_ts,"
        " t.generation = s.generation"
        " FROM tokens t JOIN sessions s USING(session) WHERE t.token_hash=? AND t.kind=? AND s.ended=0",
        (token_hash, kind),
    )
    return None if found is None else TokenRow(*found)


def of_user(context: Context, user_id: str) -> list[SessionRow]:
    """The user's sessions that have not ended."""
    found = context.db.all(
        "SELECT session, user_id, device_id, created_ts, generation FROM sessions"
        " WHERE user_id=? AND ended=0 ORDER BY created_ts, session",
        (user_id,),
    )
    return [SessionRow(*columns) for columns in found]


def of_device(context: Context, user_id: str, device_id: str) -> list[SessionRow]:
    """The sessions of one device that have not ended."""
    return [row for row in of_user(context, user_id) if row.device_id == device_id]
