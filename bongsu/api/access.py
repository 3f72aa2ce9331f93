"""Who asks, and what they may see: the one gate every handler goes through."""

from hashlib import sha256

from bongsu.api.http import Request
from bongsu.errors import MatrixError, forbidden
from bongsu.hub.residents import check_resident, refused_token
from bongsu.node import Node
from bongsu.view import sessions
from bongsu.view.live import LiveRoom
from bongsu.view.members import member
from bongsu.view.memberships import Member
from bongsu.view.sessions import Requester

_SENTENCE_NOT_IN_ROOM = "You are not in this room. Ask one of its members to invite you."


def token_of(request: Request) -> str | None:
    """The access token of the Authorization header. One in the query is not taken (it ends up in logs)."""
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def requester(node: Node, request: Request) -> Requester:
    """The requester.

    Raises:
        MatrixError: 401 M_MISSING_TOKEN or M_UNKNOWN_TOKEN; 403 at a hub, of somebody who is no resident.
    """
    token = token_of(request)
    if not token:
        raise MatrixError(401, "M_MISSING_TOKEN", "This needs an access token. Log in first.")
    token_hash = sha256(token.encode("utf-8", "replace")).digest()
    found = node.sessions.get(token_hash) or _found(node, token_hash)
    if node.config.role == "hub":
        check_resident(node, found.user_id)
    return found


def _found(node: Node, token_hash: bytes) -> Requester:
    row = sessions.by_token(node.context, token_hash, "access")
    if row is None:
        elsewhere = refused_token(node)
        raise elsewhere or MatrixError(
            401,
            "M_UNKNOWN_TOKEN",
            "This access token is not valid (any more). Log in again.",
            soft_logout=False,
        )
    if row.expires_ts is not None and row.expires_ts <= node.now_ms():
        raise MatrixError(
            401, "M_UNKNOWN_TOKEN", "This access token has expired. Refresh it.", soft_logout=True
        )
    found = Requester(row.user_id, row.device_id, row.session, row if row.generation and row.newest else None)
    if row.expires_ts is None:
        node.sessions.put(token_hash, found)
    return found


def joined_room(node: Node, user_id: str, room_id: str) -> LiveRoom:
    """The room, if the user is joined to it.

    Raises:
        MatrixError: 403 M_FORBIDDEN, the same for rooms one is not in, has left, or that do not exist.
    """
    room = node.context.live.find(room_id)
    if room is None or not (user_id in room.joined or _joining(room, user_id, node)):
        raise forbidden(_SENTENCE_NOT_IN_ROOM)
    return room


def _joining(room: LiveRoom, user_id: str, node: Node) -> bool:
    """A join that leads the view counts for its own author."""
    event_id = room.state.get(("m.room.member", user_id))
    return event_id is not None and node.context.events.body(event_id).membership == "join"


def known_room(node: Node, user_id: str, room_id: str) -> tuple[LiveRoom, Member]:
    """The room and the user's membership, if they are or were joined to it.

    Raises:
        MatrixError: 403 M_FORBIDDEN otherwise.
    """
    room = node.context.live.find(room_id)
    found = None if room is None else member(node.context, room.room, user_id)
    if room is None or found is None or not (found.membership == "join" or found.joined):
        raise forbidden(_SENTENCE_NOT_IN_ROOM)
    return room, found


def check_self(request: Request, user_id: str) -> None:
    """Refuse to act for another user.

    Raises:
        MatrixError: 403 M_FORBIDDEN.
    """
    if request.who.user_id != user_id:
        raise forbidden("This belongs to another user. You can do this only for yourself.")
